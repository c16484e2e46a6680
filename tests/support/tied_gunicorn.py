"""`python -m tests.support.tied_gunicorn …`: gunicorn, ended with the process that started it, whatever ended that."""

from __future__ import annotations

import runpy

from ml.inference.process import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)
