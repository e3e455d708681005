"""The last stage of a model as Python source: what was decided on rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.core import Array
from automl.pipeline.assemble import FLOOR, is_binary
from automl.pipeline.layout import rendered
from automl.pipeline.source import Writer

__all__ = ["LastStage"]


@dataclass(frozen=True)
class LastStage:
    """The numbers of a last stage; at most one is given."""

    temperature: float | None = None
    threshold: float | None = None
    multipliers: Sequence[float] | None = None

    @property
    def present(self) -> bool:
        return any(number is not None for number in (self.temperature, self.threshold, self.multipliers))

    def source(self, writer: Writer, classes: Array) -> str:
        """Return the source of ``decided(model)``, which puts the stage on a fitted model."""
        if self.threshold is not None and is_binary(classes):
            return _threshold(writer, self.threshold)
        return self._scaling(writer, len(classes))

    def _scaling(self, writer: Writer, n_classes: int) -> str:
        from sklearn.ensemble import VotingClassifier
        from sklearn.frozen import FrozenEstimator
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import FunctionTransformer

        numpy = writer.package("numpy")
        shifts = np.zeros(n_classes)
        about = "its probabilities rescaled by a temperature found on rows held out"
        if self.temperature is None:
            weights = self.multipliers
            if self.threshold is not None:
                weights = (self.threshold, 1.0 - self.threshold)
            assert weights is not None
            shifts = np.log(np.asarray(weights, dtype=np.float64))
            about = "multipliers found on rows held out: good for labels, its probabilities are tilted"
        slope = "1.0" if self.temperature is None else f"1.0 / {float(self.temperature)!r}"
        if n_classes == 2:
            coef, shift = f"{slope} * {numpy}.array([[-1.0, 1.0]])", [float(shifts[1] - shifts[0])]
        else:
            coef, shift = f"{slope} * {numpy}.eye({n_classes})", [float(s) for s in shifts]
        vote, frozen = writer.name(VotingClassifier), writer.name(FrozenEstimator)
        function, regression = writer.name(FunctionTransformer), writer.name(LogisticRegression)
        lines = [
            "def decided(model):",
            f'    """Return the fitted model with {about}."""',
            f"    scale = {regression}()",
            f"    scale.classes_, scale.n_features_in_ = model.classes_, {n_classes}",
            f"    scale.coef_ = {coef.removeprefix('1.0 * ')}",
            f"    scale.intercept_ = {rendered(writer.write(np.array(shift)), indent=4, before=24)}",
            f'    one = {vote}([("model", {frozen}(model))], voting="soft").fit(None, model.classes_)',
            "    steps = [",
            '        ("ensemble", one),  # its transform returns the probabilities',
            f'        ("clip", {function}({numpy}.clip, kw_args={{"a_min": {FLOOR!r}, "a_max": 1.0}})),',
            f'        ("log", {function}({numpy}.log)),',
            '        ("scale", scale),',
            "    ]",
            f"    return {writer.name(Pipeline)}(steps)",
            "",
        ]
        return "\n".join(lines)


def _threshold(writer: Writer, threshold: float) -> str:
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import FixedThresholdClassifier

    fixed, frozen = writer.name(FixedThresholdClassifier), writer.name(FrozenEstimator)
    lines = [
        "def decided(model):",
        '    """Return the fitted model with a threshold found on rows held out; probabilities stay as they are."""',
        f"    final = {fixed}(",
        f"        {frozen}(model),",
        f"        threshold={float(threshold)!r},",
        "        pos_label=model.classes_[1],",
        '        response_method="predict_proba",',
        "    )",
        "    return final.fit(None, model.classes_)",
        "",
    ]
    return "\n".join(lines)
