"""Figures: what people look at, a module a figure. Only this package knows colours, markers and sizes.

Each figure is made together with the numbers of its points (`style.Drawing`), so that its csv holds what it shows.
"""
