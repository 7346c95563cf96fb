"""Train one network on two interleaved half moons, and print its history.

The network has two inputs, two hidden layers of 16 tanh units and one output, a logit. The
Trainer shuffles the rows in every epoch and takes one step per batch of 32.
"""

from minidl import Trainer, datasets, nn, optim


def main() -> None:
    data = datasets.load("moons", seed=0)
    print(data.summary())

    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=0)
    print(model.summary())

    trainer = Trainer(
        model,
        loss="binary_cross_entropy",
        optimizer=optim.NAG(lr=0.1, momentum=0.9),
        batch_size=32,
        seed=0,
    )
    history = trainer.fit(
        data.X_train, data.y_train, epochs=20, validation=(data.X_test, data.y_test)
    )

    # train_loss is the loss of ONE set of weights on all rows. running_loss is the mean over the
    # epoch's batches, while the weights moved: what Keras and scikit-learn call the loss.
    print("epoch  train_loss  running_loss  validation_loss  validation_accuracy")
    for row in history:
        if row["epoch"] % 4 == 0:
            print(
                f"{row['epoch']:5d}  {row['train_loss']:10.4f}  {row['running_loss']:12.4f}"
                f"  {row['validation_loss']:15.4f}  {row['validation_accuracy']:19.3f}"
            )
    print(f"stopped by: {history.stopped_by}, after {history['updates'][-1]} updates")


if __name__ == "__main__":
    main()
