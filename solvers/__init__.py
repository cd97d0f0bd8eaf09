"""The physics: solvers that know no partner and are usable alone."""
