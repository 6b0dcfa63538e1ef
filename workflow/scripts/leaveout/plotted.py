"""What figures and calibration show of what studies compute."""

#: Strategies that studies compute and no figure or calibration shows, as in the paper.
NOT_PLOTTED = ("high_loss",)
#: Evaluation functions that figures show, in the order of their rows.
PLOTTED_EVALUATIONS = ("test_prediction", "test_loss", "self_loss")
