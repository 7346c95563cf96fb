"""Arguments of the estimators, which have scikit-learn's names."""

from minidl.words.table import Table, table

WORDS = table(
    ("lr eta0 eta", "learning_rate_init"),
    ("optimizer optimiser optim algorithm", "solver"),
    ("epochs n_epochs num_epochs max_epochs n_iter", "max_iter"),
    ("seed", "random_state"),
    ("l2 weight_decay penalty", "alpha"),
    ("patience", "n_iter_no_change"),
    ("min_delta", "tol"),
    ("nesterov", "nesterovs_momentum"),
    ("beta1 beta_one", "beta_1"),
    ("beta2", "beta_2"),
    ("eps", "epsilon"),
    ("hidden hidden_layers hidden_sizes layers units", "hidden_layer_sizes"),
    ("criterion loss_fn objective", "loss"),
    ("class_weights", "class_weight"),
    ("callback", "callbacks"),
    ("validation_split", "validation_fraction"),
)
SENTENCES = {"max_fun": "It belongs to L-BFGS, which is not among minidl's optimizers."} | {
    word: f"Write {right}=... instead." for word, right in WORDS.items()
}
ESTIMATORS: Table = {
    f"{name}.{word}": answer
    for name in ("MLPClassifier", "MLPRegressor")
    for word, answer in SENTENCES.items()
    if (name, word) != ("MLPRegressor", "class_weights")
} | {
    f"MLPRegressor.{word}": "A regression has no classes. Write fit(X, y, sample_weight=...)."
    for word in ("class_weight", "class_weights")
}
