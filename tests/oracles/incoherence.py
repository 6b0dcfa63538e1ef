"""Theorem 3.1 by definition: matrix square roots, one pair of samples at a time."""

import itertools

import numpy as np
import scipy.linalg


def root(matrix):
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


class Dense:
    """Assumptions 2 to 4 at some parameters, from the matrices themselves; in the row space where it is smaller."""

    def __init__(self, problem, theta):
        wide = len(problem.X) < problem.X.shape[1]
        self.basis = scipy.linalg.orth(problem.X.T) if wide else np.eye(len(theta))
        if wide and problem.intercept == "unpenalized":
            self.basis = scipy.linalg.orth(np.vstack([problem.X, np.eye(len(theta))[-1]]).T)
        B = self.basis
        self.H = B.T @ problem.hessian(theta) @ B
        self.inverse = np.linalg.inv(self.H)
        self.roots = [root(B.T @ problem.sample_hessian(theta, i) @ B) for i in range(problem.n)]
        self.gradients = [B.T @ problem.sample_gradient(theta, i) for i in range(problem.n)]

    def coupling(self, i, j):
        return np.linalg.norm(self.roots[i] @ self.inverse @ self.roots[j], 2)

    def constants(self, chosen):
        half = root(self.inverse)
        pairs = list(itertools.permutations(chosen, 2))
        return {
            "c_l": max(np.linalg.norm(half @ self.gradients[i]) for i in chosen),
            "c_r": 1 / (1 - max(np.linalg.norm(half @ self.roots[i] @ self.roots[i] @ half, 2) for i in chosen)),
            "epsilon": max(np.linalg.norm(self.roots[j] @ self.inverse @ self.gradients[i]) for i, j in pairs),
            "delta": max(self.coupling(i, j) for i, j in pairs),
        }

    def eta(self, gradient):
        return np.array([np.linalg.norm(H @ self.inverse @ self.basis.T @ gradient) for H in self.roots])

    def influences(self, chosen):
        """RIF of each sample of a set, by definition."""
        roots = {i: self.roots[i] for i in chosen}
        return {i: np.linalg.solve(self.H - roots[i] @ roots[i], self.gradients[i]) for i in chosen}

    def parts(self, chosen, gradient):
        """Blocks e_j, u_j and C_ij of a set and of the gradient of a function."""
        rif, along = self.influences(chosen), self.inverse @ self.basis.T @ gradient
        e = [self.roots[j] @ along for j in chosen]
        u = [self.roots[j] @ sum(rif[i] for i in chosen if i != j) for j in chosen if len(chosen) > 1]
        return e, u, np.block([[self.roots[i] @ self.inverse @ self.roots[j] for j in chosen] for i in chosen])
