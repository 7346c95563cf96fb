"""The form of the tables: word -> answer."""

Table = dict[str, str]
NO_RULE = "minidl has no such rule; minidl list optimizers names those that it has."
DEVICE = "minidl computes on the processor, in NumPy."
PER_EPOCH = (
    "It counts steps; under LearningRateSchedule it counts epochs, as PyTorch's schedulers do."
)
FIT = 'A Trainer does that: Trainer(model, "bce", optimizer=optim.NAG(0.1)).fit(X, y, epochs=10).'
MEAN = "A loss is the mean; the functions in minidl.ops take reduction=."


def table(*rows: tuple[str, str]) -> Table:
    """Return word -> answer for rows (words, answer); the answers of a repeated word are joined.

    >>> table(("eta rate", "lr"), ("rate", "factor"))
    {'eta': 'lr', 'rate': 'lr factor'}
    """
    answers: Table = {}
    for words, answer in rows:
        for word in words.split():
            answers[word] = f"{answers[word]} {answer}" if word in answers else answer
    return answers
