"""Brute force in the parameters' own space: what every estimator is by definition, one dense solve at a time."""

import numpy as np


def sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))


class Problem:
    """Design, labels and regulariser, with the constant column appended as the setting says."""

    def __init__(self, X, y, regularization, regularizer, intercept):
        self.y, self.regularization, self.regularizer, self.intercept = y, regularization, regularizer, intercept
        self.X = X if intercept == "none" else np.hstack([X, np.ones((len(X), 1))])
        self.P = np.eye(self.X.shape[1])
        if intercept == "unpenalized":
            self.P[-1, -1] = 0.0
        self.n = len(y)

    def weight(self, removed=()):
        return (self.n - len(removed) * (self.regularizer == "per_sample")) * self.regularization

    def objective(self, theta, removed=()):
        kept = np.setdiff1d(np.arange(self.n), removed)
        z = self.X[kept] @ theta
        return np.sum(np.logaddexp(0, z) - self.y[kept] * z) + self.weight(removed) / 2 * theta @ self.P @ theta

    def gradient(self, theta, removed=()):
        kept = np.setdiff1d(np.arange(self.n), removed)
        slope = sigmoid(self.X[kept] @ theta) - self.y[kept]
        return self.X[kept].T @ slope + self.weight(removed) * self.P @ theta

    def hessian(self, theta, removed=()):
        kept = np.setdiff1d(np.arange(self.n), removed)
        p = sigmoid(self.X[kept] @ theta)
        return (self.X[kept].T * (p * (1 - p))) @ self.X[kept] + self.weight(removed) * self.P

    def sample_gradient(self, theta, i):
        share = self.regularization if self.regularizer == "per_sample" else 0.0
        return (sigmoid(self.X[i] @ theta) - self.y[i]) * self.X[i] + share * self.P @ theta

    def sample_hessian(self, theta, i):
        share = self.regularization if self.regularizer == "per_sample" else 0.0
        p = sigmoid(self.X[i] @ theta)
        return p * (1 - p) * np.outer(self.X[i], self.X[i]) + share * self.P

    def influence(self, theta, removed, method):
        """IF, RIF or NS, each by its definition."""
        H = self.hessian(theta)
        g = [self.sample_gradient(theta, i) for i in removed]
        if method == "rif":
            steps = [np.linalg.solve(H - self.sample_hessian(theta, i), gi) for i, gi in zip(removed, g, strict=True)]
            return np.sum(steps, axis=0)
        if method == "newton":
            H = H - sum(self.sample_hessian(theta, i) for i in removed)
        return np.linalg.solve(H, np.sum(g, axis=0))

    def published(self, theta, removed, method):
        """IF, RIF or NS as the paper's code mixes the conventions; this problem is under per_sample."""
        H, p = self.hessian(theta), sigmoid(self.X @ theta)
        if method == "rif":
            leverage = p * (1 - p) * np.einsum("ij,ji->i", self.X, np.linalg.solve(H, self.X.T))
            return np.linalg.solve(H, sum(self.sample_gradient(theta, i) / (1 - leverage[i]) for i in removed))
        if method == "newton" and len(removed) <= len(theta):
            fixed = Problem.__new__(Problem)
            fixed.__dict__ |= self.__dict__ | {"regularizer": "fixed"}
            return fixed.influence(theta, removed, "newton")
        return self.influence(theta, removed, method)

    def optimum(self, removed=(), start=None):
        """The minimiser, by damped Newton steps whose gradients are computed in extended precision."""
        X, y = self.X.astype(np.longdouble), self.y.astype(np.longdouble)
        kept = np.setdiff1d(np.arange(self.n), removed)
        theta = np.zeros(X.shape[1], dtype=np.longdouble) if start is None else np.asarray(start, np.longdouble)
        for _ in range(200):
            slope = sigmoid(X[kept] @ theta) - y[kept]
            gradient = X[kept].T @ slope + np.longdouble(self.weight(removed)) * (self.P.astype(np.longdouble) @ theta)
            step = np.linalg.solve(self.hessian(theta.astype(float), removed), gradient.astype(float))
            decrement = float(gradient.astype(float) @ step)
            theta = theta - step / (1 + np.sqrt(max(decrement, 0.0)) if decrement > 1e-2 else 1)
            if decrement < 1e-34:
                break
        return theta


def effect(name, problem, X_chosen, y_chosen, X_test, y_test, theta, other):
    """``f(other) - f(theta)`` in extended precision, by subtracting two totals."""

    def total(parameters):
        def losses(X, y):
            z = X.astype(np.longdouble) @ np.asarray(parameters, np.longdouble)
            return np.sum(np.logaddexp(np.longdouble(0), z) - y * z)

        ridge = problem.regularization / 2 * np.asarray(parameters, np.longdouble) @ problem.P @ parameters
        X_s, y_s = (problem.X, problem.y) if name.startswith("self") else (X_chosen, y_chosen)
        if name == "total_test_loss":
            X_s, y_s = X_test, y_test
        if name == "test_prediction":
            return np.sum(1 / (1 + np.exp(-(X_s.astype(np.longdouble) @ np.asarray(parameters, np.longdouble)))))
        return losses(X_s, y_s) + (0 if name.endswith("plain") else len(y_s) * ridge)

    return float(total(other) - total(theta))
