"""Daily learning: what was used since, learnt, measured, and promoted only if it is better.

`cycle.run_cycle(settings, now)` is one day, `settings.LearningSettings` what it goes by.
"""
