"""Scikit-learn estimators; `import pastur` does not load them."""

from pastur.sklearn._estimators.spiked_covariance import SpikedCovariance
from pastur.sklearn._estimators.spiked_pca import SpikedPCA

__all__ = ["SpikedCovariance", "SpikedPCA"]
