"""The whole platform under load: a realistic mix of calls, what it costs, and how it holds.

python -m benchmarks.load mix|step|idle     Locust's users on a platform of real processes
python -m benchmarks.load.cost              CPU per call of each kind, beside a bare hop
python -m benchmarks.load.soak              memory and descriptors over time
"""
