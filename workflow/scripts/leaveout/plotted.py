"""What figures and calibration show of what studies compute."""

#: What the paper's code takes for the samples of the highest influence (see ``removal.published_top``).
PUBLISHED_STRATEGIES = (
    "published_positive_test_loss",
    "published_negative_test_loss",
    "published_positive_test_prediction",
    "published_negative_test_prediction",
)
#: Strategies that studies compute and no figure or calibration shows, as in the paper, but for the audit's.
NOT_PLOTTED = ("high_loss", *PUBLISHED_STRATEGIES)
#: Evaluation functions that figures show, in the order of their rows.
PLOTTED_EVALUATIONS = ("test_prediction", "test_loss", "self_loss")
