"""A simulated month of one user, for `make sim-month` and its short form in the tests."""
