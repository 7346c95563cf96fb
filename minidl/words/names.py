"""Names that are registered here under another one, options and commands."""

from minidl.words.table import DEVICE, NO_RULE, Table, table

# fmt: off
# Kind -> word in lower case, without spaces, - and _ -> a name here, or a sentence.
NAMES: dict[str, Table] = {
    "optimizer": table(
        ("lbfgs adafactor adabelief adan asgd ftrl lamb lars muon shampoo sm3 sophia yogi",
         f"{NO_RULE} A class in a file is also a name: my_file.py:Yogi."),
        ("adamaxw nadamw adamwithweightdecay", "adamw"),
        ("nesterovaccelerated nesterovmomentum acceleratedgradient", "nag"),
        ("sgdmomentum polyak", "momentum"),
        ("sgdnesterov", "nag-reformulated"),
        ("bce mse mae crossentropy binarycrossentropy",
         "That is a loss: Trainer(model, loss, ...)."),
    ),
    "loss": table(
        ("logloss logistic bcewithlogitsloss binarycrossentropyloss bceloss sigmoidcrossentropy",
         "binary_cross_entropy"),
        ("crossentropyloss nllloss nll softmax multinomial ce xent categoricalcrossentropyloss",
         "softmax_cross_entropy"),
        ("mseloss squarederror squaredloss quadratic", "mean_squared_error"),
        ("rmse", "Its minimum is that of mean_squared_error: write that."),
        ("l1loss maeloss absoluteerror", "mean_absolute_error"),
        ("smoothl1loss", "smooth_l1"),
        ("huberloss", "huber"),
        ("kldivloss kullbackleibler relativeentropy", "kl_divergence"),
        ("poissonnllloss", "poisson"),
        ("focalloss sigmoidfocalloss", "focal"),
        ("hingeloss", "hinge"),
        ("squaredhinge categoricalhinge logcosh categoricalfocalcrossentropy "
         "cosinesimilarity tripletmargin",
         "minidl has no such loss; a custom one derives nn.Loss and writes mean(self, outputs, "
         "targets)."),
        ("nag momentum sgd adam nesterov rmsprop",
         "That is an optimizer: the loss comes before it."),
    ),
    "learning rate": table(
        ("adaptive",
         "A Callback can do that: trainer.optimizer.lr /= 5 when the loss has not fallen."),
        ("invscaling optimal", "Give a function: lr=lambda step: 0.1 / (1 + step) ** 0.5."),
        ("constant", "Give a number: lr=0.1."),
        ("auto", "minidl compare finds one on a data set; begin with lr=0.1."),
    ),
    "activation": table(
        ("none", 'Leave the layer out, or write "identity".'),
        ("gelutanh gelunew", 'Write nn.GELU(approximate="tanh").'),
        ("prelu rrelu glu softmin tanhshrink hardshrink threshold exponential",
         "A custom activation derives nn.Activation; minidl.ops has more functions."),
    ),
    "initializer": table(
        ("xavier xavieruniform glorot variancescaling", "glorot_uniform"),
        ("xaviernormal", "glorot_normal"),
        ("kaiming kaiminguniform he", "he_uniform"),
        ("kaimingnormal", "he_normal"),
        ("lecun", "lecun_uniform"),
        ("ones", "constant:1"),
        ("normal randomnormal uniform randomuniform truncatednormal",
         "Give a function: initializer=lambda shape, generator: generator.normal(0, 0.05, "
         "shape)."),
    ),
    "data set": table(
        ("mnist fashionmnist cifar10", "digits"),
        ("makemoons twomoons", "moons"),
        ("makecircles", "circles"),
        ("makeblobs", "blobs"),
        ("makeclassification", "classification"),
        ("makefriedman1", "friedman1"),
        ("makegaussianquantiles", "gaussian_quantiles"),
        ("makeregression", "linear"),
        ("loadiris", "iris"),
        ("loadwine", "wine"),
        ("loaddigits", "digits"),
        ("loadbreastcancer cancer", "breast_cancer"),
        ("loaddiabetes", "diabetes"),
        ("spiral", "spirals"),
        ("boston california housing", "diabetes"),
    ),
    "column": table(
        ("loss", "train_loss"),
        ("valloss testloss", "validation_loss"),
        ("acc accuracy trainacc binaryaccuracy categoricalaccuracy score", "train_accuracy"),
        ("valacc valaccuracy testaccuracy testacc validationscore valscore", "validation_accuracy"),
        ("epochs nepochs", "epoch"),
        ("time duration", "seconds"),
        ("gradnorm", "gradient_norm"),
    ),
}

# Columns of the history that are not always there -> when they are.
COLUMNS: Table = {
    "validation_loss": "Give fit() validation rows: fit(..., validation=(X_val, y_val)).",
    "validation_accuracy": "Give fit() validation rows: fit(..., validation=(X_val, y_val)).",
    "train_accuracy": "There is no accuracy: the targets of this loss are not classes.",
    "look_ahead_loss": "It is recorded with Trainer(..., look_ahead=True).",
}

# Options and commands of the command line that no argument stands for.
OPTIONS = table(
    ("nesterov", "Write train --optimizer nag, or compare --optimizers nag."),
    ("early_stopping patience",
     "train has --early-stopping; compare counts epochs to a --target."),
    ("progress", "Progress is shown; --quiet hides it."),
    ("data name", "Write --dataset moons, or a file: --dataset rows.csv."),
    ("jobs", "train computes in one process; compare has --jobs."),
    ("metrics", "The loss and, for classes, the accuracy are printed."),
    ("version", "Write minidl --version."),
    ("config", "There is no file of options: write them in the command."),
    ("validation split", "Write --test-size 0.25: test rows are measured."),
    ("device gpu cuda", DEVICE),
    ("model load predict evaluate",
     "minidl predict applies --save's file; in Python, minidl.load reads it."),
)
COMMANDS = table(
    ("fit run learn training", "train"),
    ("predict_proba infer inference apply evaluate eval test export load save",
     "train --save model.npz writes the network, and predict model.npz FILE applies it to a file; "
     'in Python: minidl.load("model.npz").predict(X).'),
    ("comparison bench benchmark tune", "compare"),
    ("ls show", "list"),
    ("help", "Write minidl --help, or minidl train --help."),
    ("version", "Write minidl --version."),
    ("identify check grade which", "conform"),
    ("diagnose diagnosis explain why sharpness", "doctor"),
    ("find_lr lr_find lr_finder range_test suggest_lr", "doctor --find-lr"),
    ("optimizers optimisers optimizer", "list optimizers"),
    ("datasets data dataset", "list datasets"),
    ("losses loss", "list losses"),
    ("activations activation", "list activations"),
    ("initializers initializer", "list initializers"),
)
