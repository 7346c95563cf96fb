"""Training: batches, the objective, the Trainer, its history and its callbacks."""

from typing import TYPE_CHECKING

from minidl.keywords import attribute_of
from minidl.training.by_class import ClassAccuracy, class_accuracy
from minidl.training.callbacks import Callback, LearningRateSchedule
from minidl.training.checkpoint import Checkpoint
from minidl.training.data import batches
from minidl.training.diagnose import diagnose
from minidl.training.diagnosis import Diagnosis
from minidl.training.find_rate import RateCurve, find_lr
from minidl.training.history import History
from minidl.training.interchange import (
    from_torch,
    load_safetensors,
    save_safetensors,
    to_torch,
)
from minidl.training.live_plot import LivePlot
from minidl.training.measure import Objective
from minidl.training.model_file import load_extra, load_model, save_model
from minidl.training.predictor import Predictor, load
from minidl.training.progress import CSVLog, Progress
from minidl.training.rates import ReduceOnPlateau
from minidl.training.replicas import Replica, train_replicas
from minidl.training.run_file import load_run, save_run
from minidl.training.sharpness import Sharpness, sharpness
from minidl.training.stopping import EarlyStopping, StopAtTarget
from minidl.training.suggest import SuggestedRate, suggest_lr
from minidl.training.trainer import Trainer
from minidl.training.weight_path import WeightPath, loss_of_weights

__all__ = [
    "CSVLog", "Callback", "Checkpoint", "ClassAccuracy", "Diagnosis", "EarlyStopping", "History",
    "LearningRateSchedule", "LivePlot", "Objective", "Predictor", "Progress", "RateCurve",
    "ReduceOnPlateau", "Replica", "Sharpness", "StopAtTarget", "SuggestedRate", "Trainer",
    "WeightPath", "batches", "class_accuracy", "diagnose", "find_lr", "from_torch", "load",
    "load_extra", "load_model", "load_run", "load_safetensors", "loss_of_weights", "save_model",
    "save_run", "save_safetensors", "sharpness", "suggest_lr", "to_torch", "train_replicas",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
