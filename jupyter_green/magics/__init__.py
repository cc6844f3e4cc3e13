"""The magics: ``%load_ext jupyter_green``, ``%track_energy`` and ``%%track_energy``."""

from jupyter_green.magics.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
