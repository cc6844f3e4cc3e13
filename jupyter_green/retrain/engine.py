"""papermill's engine ``green``: a plain class, because papermill loads its engines while it is being imported."""

from __future__ import annotations

from typing import Any


class GreenEngine:
    """Runs a notebook like papermill's own engine and measures its kernel from outside."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Run a notebook and return it with its outputs; see ``papermill.engines.Engine``."""
        from jupyter_green.retrain.measured_engine import MeasuredEngine

        return MeasuredEngine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the kernel that a notebook asks for."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return the language that a notebook is written in."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
