from hypothesis import HealthCheck, settings

# CI machines are slow and noisy: examples are fixed and never timed
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")
