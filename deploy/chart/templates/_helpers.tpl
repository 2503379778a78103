{{- define "aiops.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "aiops" $name) }}{{ $name = printf "%s-aiops" $name }}{{ end -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "aiops.selector" -}}
app.kubernetes.io/name: aiops-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Its pods are none of the Service, and of nobody else's selector. */ -}}
{{- define "aiops.executorSelector" -}}
app.kubernetes.io/name: aiops-agent-executor
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Whether what was approved is sent by a pod of its own: it takes a store that both reach. */ -}}
{{- define "aiops.apart" -}}
{{- if and .Values.postgresql.secret .Values.cluster.act.namespaces }}true{{ end -}}
{{- end -}}

{{- define "aiops.labels" -}}
{{ include "aiops.selector" . }}
{{ include "aiops.versions" . }}
{{- end -}}

{{- define "aiops.executorLabels" -}}
{{ include "aiops.executorSelector" . }}
{{ include "aiops.versions" . }}
{{- end -}}

{{- define "aiops.versions" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "aiops.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "aiops.token" -}}
{{ default (printf "%s-token" (include "aiops.name" .)) .Values.token.secret }}
{{- end -}}

{{- /* What cannot be meant together, in a sentence. */ -}}
{{- define "aiops.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.postgresql.secret) -}}
{{- fail "replicas: more than one needs PostgreSQL, since SQLite has one writer; set postgresql.secret or replicas: 1." -}}
{{- end -}}
{{- if and (gt (int .Values.cluster.act.replicas) 1) (not (include "aiops.apart" .)) -}}
{{- fail "cluster.act.replicas: executors of their own need PostgreSQL and somewhere to act; set postgresql.secret and cluster.act.namespaces, or replicas: 1." -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled (not .Values.serviceMonitor.enabled) -}}
{{- fail "prometheusRule: its alerts would always fire, as nothing is scraped; set serviceMonitor.enabled: true too." -}}
{{- end -}}
{{- if and .Values.cluster.act.nodes (not .Values.cluster.act.namespaces) -}}
{{- fail "cluster.act.nodes: who cordons a node also restarts what is ill on it; name cluster.act.namespaces too." -}}
{{- end -}}
{{- if and .Values.cluster.act.configMaps (not .Values.cluster.act.namespaces) -}}
{{- fail "cluster.act.configMaps: who sets a value also restarts who reads it; name cluster.act.namespaces too." -}}
{{- end -}}
{{- range .Values.cluster.act.configMaps -}}
{{- if not (has . (dig "sources" "kubernetes" "config_maps" (list) $.Values.config)) -}}
{{- fail (printf "cluster.act.configMaps: nothing would change %s; name it in config.sources.kubernetes.config_maps too." .) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.cluster.act.namespaces (not .Values.cluster.read.enabled) -}}
{{- fail "cluster.act.namespaces: who changes must see what it changes; set cluster.read.enabled: true too." -}}
{{- end -}}
{{- if and .Values.cluster.act.namespaces (not (contains "/etc/aiops/executor/token" (toJson .Values.config))) -}}
{{- fail "cluster.act.namespaces: nothing would use that account; set config.sources.kubernetes.executor_token: /etc/aiops/executor/token." -}}
{{- end -}}
{{- if .Values.cluster.act.admission.enabled -}}
{{- if not .Values.cluster.act.namespaces -}}
{{- fail "cluster.act.admission: there is no account to bound; set cluster.act.namespaces too." -}}
{{- end -}}
{{- if semverCompare "<1.30-0" .Capabilities.KubeVersion.Version -}}
{{- fail "cluster.act.admission: a cluster before Kubernetes 1.30 has no such policies; set enabled: false." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "aiops.url" -}}
http://{{ include "aiops.name" . }}.{{ .Release.Namespace }}.svc:{{ .Values.service.port }}
{{- end -}}

{{- define "aiops.bounds" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- /* What the pods of both have alike: the folder of its own, variables, files, and where they run. */ -}}
{{- define "aiops.folder" -}}
# Many volumes can be written by everybody at their root, which the agent refuses as its
# state: it gets a folder in it that is its own.
- name: state
  image: {{ include "aiops.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [python3, -c, "import os; os.makedirs('/volume/aiops', 0o700, exist_ok=True)"]
  resources: {{- toYaml .Values.resources | nindent 4 }}
  securityContext: {{- include "aiops.bounds" . | nindent 4 }}
  volumeMounts: [{ name: state, mountPath: /volume }]
{{- end -}}

{{- define "aiops.variables" -}}
- { name: AIOPS_STATE_DIR, value: /var/lib/aiops }
{{- if .Values.postgresql.secret }}
- { name: AIOPS_STORE_URL, value: "file:/etc/aiops/store-url" }
{{- end }}
{{- if include "aiops.apart" . }}
- { name: AIOPS_EXECUTOR_SEPARATE, value: "true" }
{{- end }}
{{- range .Values.secretEnv }}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key | quote }} } }
{{- end }}
{{- end -}}

{{- define "aiops.files" -}}
- configMap: { name: {{ include "aiops.name" . }}, items: [{ key: config.yaml, path: config.yaml }] }
{{- with .Values.postgresql }}{{- if .secret }}
- secret: { name: {{ .secret }}, items: [{ key: {{ .key | quote }}, path: store-url }] }
{{- end }}{{- end }}
{{- range .Values.secretFiles }}
- secret:
    name: {{ .secret }}
    items: [{ key: {{ .key | quote }}, path: {{ printf "secrets/%s" .name | quote }} }]
{{- end }}
{{- end -}}

{{- define "aiops.place" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
