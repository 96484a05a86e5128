{{- define "radgate.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "radgate.selector" -}}
app.kubernetes.io/name: radgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "radgate.labels" -}}
{{ include "radgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "radgate.udpPorts" -}}
{{- range .Values.ports }}
- name: radius-{{ . }}
  port: {{ . }}
  targetPort: {{ . }}
  protocol: UDP
{{- end }}
{{- end -}}

{{- define "radgate.config" -}}
{{ required "config: the sections of authproxy.cfg, without [gateway] and [fleet]" .Values.config | trim }}

[gateway]
workers={{ .Values.workers }}
console=0.0.0.0:{{ .Values.console.port }}
console_token_file=/secrets/{{ .Values.console.tokenFile }}
{{- with .Values.gateway }}
{{ . | trim }}
{{- end }}
{{- if .Values.fleet.enabled }}

[fleet]
engine={{ required "fleet.engine: the address of the store, rediss://radgate@redis.example.com:6379/0 say" .Values.fleet.engine }}
{{- with .Values.fleet.passwordFile }}
engine_password_file=/secrets/{{ . }}
{{- end }}
{{- with .Values.fleet.caFile }}
engine_ca_certs_file=/secrets/{{ . }}
{{- end }}
fleet_key_file=/secrets/{{ .Values.fleet.keyFile }}
patience_ms={{ .Values.fleet.patienceMs }}
when_isolated={{ .Values.fleet.whenIsolated }}
{{- end }}
{{ end -}}
