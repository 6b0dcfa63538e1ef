"""Minutes that jobs ask a cluster for: generous estimates, several times what was measured."""

import math

#: Minutes for a start: Python, packages and features from a slow disk; and to read archives and a network.
START, UNPACKING = 2, 10
#: Operations a second of one core: a quarter of what a core of a server does in matrix products, or less.
RATE = 1e10
#: Matrix products of the Hessian's size, n x p times p x min(n, p), that a fit is worth: factor, whitening, descent.
PRODUCTS = 16
#: Passes over the features that a fit takes, and each retrained model.
PASSES = 300
#: Seconds a sample and core, by embedding, without a graphics card. Those of light methods are several times what was
#: measured; those of networks follow from the operations of the paper's: ResNet-50, BERT of 512 tokens, OpenL3.
SECONDS = {"features": 0.0, "fourier": 0.001, "bow": 0.2, "logmel": 0.5, "vision": 4.0, "audio": 20.0, "text": 5.0}
#: How much faster a graphics card is than a core, at least.
CARD = 200


def model_minutes(n: int, d: int, retrained: int) -> int:
    """Time of a job that reads or fits one run's model and retrains it, in minutes.

    Parameters
    ----------
    n, d : int
        Training samples and features.
    retrained : int
        Models that are trained anew.
    """
    products = PRODUCTS * 2 * n * d * min(n, d)
    passes = (1 + retrained) * PASSES * 4 * n * d
    return START + math.ceil((products + passes) / RATE / 60)


def embedding_minutes(n: int, method: str, cores: int, card: bool) -> int:
    """Time of an embedding, in minutes.

    Parameters
    ----------
    n : int
        Samples, training and test.
    method : str
        Method of the embedding, as the configuration names it.
    cores : int
        Cores that it may use; those after the first are counted half.
    card : bool
        Whether there is a graphics card.
    """
    workers = CARD if card else (cores + 1) / 2
    return UNPACKING + math.ceil(n * SECONDS[method] / workers / 60)
