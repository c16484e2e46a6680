"""The manifests agree with Kubernetes' schemas, with each other and with the server."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import requests
import yaml

from tests.support.fake_worker import script
from tests.support.rawsocket import RawSocket
from tests.support.serving import FAKE, Server
from tests.support.waiting import wait_until
from webapp.events import LAST_ANSWERS_S
from webapp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
INSIDE = {"/healthz", "/readyz", "/metrics"}
END_OF_PROCESSES_S = 3


def manifests(name: str) -> dict[str, dict[str, Any]]:
    """The objects of a file by kind."""
    found = list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))
    assert len(found) == len({manifest["kind"] for manifest in found})
    return {manifest["kind"]: manifest for manifest in found}


WORKLOAD = manifests("emotion.yaml")
POD = WORKLOAD["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
ENVIRONMENT = {variable["name"]: variable["value"] for variable in CONTAINER["env"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with the settings of the manifest."""
    log = tmp_path_factory.mktemp("server") / "log"
    with Server(FAKE, log, **(ENVIRONMENT | {"EMOTION_FRAME_DEADLINE_MS": "20000"})) as running:
        running.wait_until_ready()
        yield running


@pytest.mark.parametrize("kind", sorted(WORKLOAD))
def test_the_kubernetes_schema_accepts(kind: str) -> None:
    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(WORKLOAD[kind], version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(WORKLOAD[kind] | {"spec": {"typo": 1}}, version, strict=True)


def strict(schema: Any) -> Any:
    """The schema with unknown fields refused, as `kubectl apply` refuses them."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: strict(part) for key, part in schema.items()}
    return parts | ({"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {})


HTTP_ROUTE = jsonschema.Draft7Validator(
    strict(json.loads((ROOT / "tests" / "support" / "schemas" / "httproute.json").read_text("utf-8")))
    | {"required": ["apiVersion", "kind", "metadata", "spec"]}
)


def test_the_schema_of_gateway_api_accepts_the_route() -> None:
    HTTP_ROUTE.validate(manifests("route.yaml")["HTTPRoute"])


@pytest.mark.parametrize(
    ("change", "place", "keyword"),
    [
        (lambda route: route.update(apiVersion="gateway.networking.k8s.io/v1beta1"), "apiVersion", "enum"),
        (lambda route: route["spec"].update(hostname="emotion.example.org"), "spec", "additionalProperties"),
        (lambda route: route["spec"]["hostnames"].append("Emotion.example.org"), "hostnames", "pattern"),
        (lambda route: route["spec"]["hostnames"].extend(["a.example.org"] * 16), "hostnames", "maxItems"),
        (lambda route: route["spec"]["parentRefs"][0].pop("name"), "parentRefs", "required"),
        (lambda route: route["spec"]["parentRefs"][0].update(sectionName="https!"), "parentRefs", "pattern"),
        (lambda route: rule(route)["matches"][0]["path"].update(type="Prefix"), "matches", "enum"),
        (lambda route: rule(route)["matches"].extend([{}] * 2), "matches", "maxItems"),
        (lambda route: rule(route)["backendRefs"][0].update(port=0), "backendRefs", "minimum"),
        (lambda route: rule(route)["backendRefs"][0].update(port="http"), "backendRefs", "type"),
        (lambda route: rule(route).update(timeout="10s"), "rules", "additionalProperties"),
    ],
)
def test_the_schema_of_gateway_api_refuses_a_wrong_route(
    change: Callable[[dict[str, Any]], object], place: str, keyword: str
) -> None:
    route = copy.deepcopy(manifests("route.yaml")["HTTPRoute"])
    change(route)
    errors = list(HTTP_ROUTE.iter_errors(route))
    assert [error.validator for error in errors] == [keyword]
    assert place in errors[0].absolute_path


def rule(route: dict[str, Any]) -> Any:
    return route["spec"]["rules"][0]


def test_the_file_has_every_object() -> None:
    kinds = {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"}
    assert kinds == WORKLOAD.keys()


def test_every_selector_matches_the_pods() -> None:
    labels = POD["metadata"]["labels"]
    assert WORKLOAD["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert WORKLOAD["Service"]["spec"]["selector"] == labels
    assert WORKLOAD["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert WORKLOAD["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    target = WORKLOAD["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", WORKLOAD["Deployment"]["metadata"]["name"])


def test_the_grace_period_covers_the_shutdown() -> None:
    settings = Settings.from_env(ENVIRONMENT)
    before_s = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed_s = before_s + settings.drain_s + LAST_ANSWERS_S + END_OF_PROCESSES_S
    assert POD["spec"]["terminationGracePeriodSeconds"] >= needed_s
    probe = CONTAINER["readinessProbe"]
    assert before_s >= probe["periodSeconds"], "expected a pause of at least one probe before the shutdown"


def test_every_object_uses_the_same_port() -> None:
    (port,) = CONTAINER["ports"]
    assert port["containerPort"] == Settings().port
    probes = [CONTAINER[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "readiness", "liveness")]
    (service,) = WORKLOAD["Service"]["spec"]["ports"]
    (policy,) = WORKLOAD["NetworkPolicy"]["spec"]["ingress"]
    assert {*probes, service["targetPort"], policy["ports"][0]["port"]} == {port["name"]}


def test_the_probes_are_answered_by_the_server_itself(server: Server) -> None:
    for kind in ("startup", "readiness", "liveness"):
        path = CONTAINER[f"{kind}Probe"]["httpGet"]["path"]
        assert requests.get(server.url + path, headers={"Host": "10.1.2.3:5000"}, timeout=5).status_code == 200


def test_the_metric_of_the_autoscaler_counts_pictures_in_flight(server: Server) -> None:
    (metric,) = WORKLOAD["HorizontalPodAutoscaler"]["spec"]["metrics"]
    name = metric["pods"]["metric"]["name"]
    assert server.metrics()[name] == 0
    viewers = [RawSocket(server.port) for _ in range(5)]
    for viewer in viewers:
        viewer.send_picture(0, script(sleep_ms=3000))
    wait_until(lambda: server.metrics()[name] == 5)
    for viewer in viewers:
        viewer.close()


def test_the_route_serves_every_page_but_no_metrics(server: Server) -> None:
    route = manifests("route.yaml")["HTTPRoute"]["spec"]
    (rule,) = route["rules"]
    (backend,) = rule["backendRefs"]
    assert backend["name"] == WORKLOAD["Service"]["metadata"]["name"]
    assert backend["port"] == WORKLOAD["Service"]["spec"]["ports"][0]["port"]

    def leads_to(path: str) -> bool:
        exact = {match["path"]["value"] for match in rule["matches"] if match["path"]["type"] == "Exact"}
        starts = [match["path"]["value"] for match in rule["matches"] if match["path"]["type"] == "PathPrefix"]
        return path in exact or any(f"{path}/".startswith(f"{start}/") for start in starts)

    paths = addresses_of_the_server()
    assert INSIDE <= paths
    assert {path for path in paths if not leads_to(path)} == INSIDE
    assert leads_to("/socket.io/")


def addresses_of_the_server() -> set[str]:
    """What the application serves, without its parameters and the version of its files."""
    code = (
        "from tests.support.fake_app import app; print(*(rule.rule for rule in app.url_map.iter_rules()), flush=True)\n"
        "app.analyzers.stop()"
    )
    variables = os.environ | {"EMOTION_ASYNC_MODE": "threading", "EMOTION_WORKERS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {"/static" if rule.startswith("/static/") else rule for rule in done.stdout.split()}
