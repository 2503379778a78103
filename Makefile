# One word per wish; `make help` lists them. PYTHON=/path/to/python chooses the interpreter.
.DEFAULT_GOAL := help
.PHONY: help setup demo test cover check test-real test-built test-cluster test-live bench bench-rca wheel image pictures prove clean
BIN := .venv/bin
# Each worker of the tests, and each program that they start, would compile all modules again.
export PYTHONDONTWRITEBYTECODE :=

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready ## make .venv with the pinned packages (once)

.venv/.ready: pyproject.toml requirements.lock tools/setup.sh
	@PYTHON="$(PYTHON)" tools/setup.sh

# A no (aiops exits 5) and a plan left waiting (8) are answers, not errors of make.
demo: .venv/.ready ## break the built-in shop and watch it being mended; you decide
	@$(BIN)/aiops demo; code=$$?; case $$code in 5|8) exit 0;; *) exit $$code;; esac

test: .venv/.ready ## run the tests (no server, no root)
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal --durations=10

cover: .venv/.ready ## count the lines of safety and workflow that the tests run; MUTANTS=200: and what they miss
	@$(BIN)/python tools/cover.py --mutants $(or $(MUTANTS),0) --seed $(or $(SEED),1)

check: .venv/.ready ## format, lint, strict types, floors, house limits
	@tools/check.sh

test-real: .venv/.ready ## as root: the same product with Docker, Prometheus, Alertmanager, PostgreSQL, Jaeger
	@PYTHON= tests/real/run.sh

test-built: .venv/.ready ## as root: tests with parts built or fetched (Jaeger, Helm, a small model), and of our image
	@PYTHON= AIOPS_TEST_BUILT=1 tests/real/run.sh

test-cluster: .venv/.ready ## as root: tests on a real Kubernetes, which is built once; AIOPS_TEST_CLUSTER=kubeconfig: yours
	@PYTHON= tests/real/cluster/run.sh

test-live: .venv/.ready ## three incidents with the real models of your key, for at most $0.15; no key: not run
	@$(BIN)/python -m bench live

bench: .venv/.ready ## measure against the promised limits
	@$(BIN)/python -m bench

bench-rca: .venv/.ready ## the causes of public incidents, ours beside BARO and N-Sigma; CASES=folder of data sets
	@$(BIN)/python -m bench rca --cases "$(or $(CASES),cases)" --seed $(or $(SEED),1) $(if $(PROTOTYPE),--prototype "$(PROTOTYPE)")

prove: .venv/.ready ## the long counted proofs, under an hour, goes on where it was cut off; STAGE=name: one of them
	@$(BIN)/python tools/prove.py $(STAGE)

wheel: .venv/.ready ## build the wheel, install it into an empty environment, run its demo
	@tools/wheel.sh

image: .venv/.ready ## build the container image with Docker and check it; BASE=image with Python, TAG=name
	@$(BIN)/python tools/image.py $(if $(BASE),--base "$(BASE)") $(if $(TAG),--tag "$(TAG)")

pictures: .venv/.ready ## draw the README's pictures from a real run
	@$(BIN)/python tools/pictures.py

clean: ## remove what was built; .venv too
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*
	@find src tests bench tools -name __pycache__ -type d -prune -exec rm -rf {} +
