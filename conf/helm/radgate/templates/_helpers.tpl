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

{{- /* Refuses lines of [gateway] that would be there twice: no pod would start with them. */ -}}
{{- define "radgate.guard" -}}
{{- $own := dict
  "workers" "workers"
  "drain_timeout_s" "drainTimeoutSeconds"
  "console" "console.host and console.port"
  "console_token_file" "console.tokenFile"
  "console_tls_cert_file" "console.certFile"
  "console_tls_key_file" "console.keyFile"
-}}
{{- range $key, $value := $own }}
{{- if regexMatch (printf `(?im)^[ \t]*%s[ \t]*[=:]` $key) ($.Values.gateway | default "") }}
{{- fail (printf "gateway: %s is for the chart to write; set %s" $key $value) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "radgate.config" -}}
{{- include "radgate.guard" . -}}
{{ required "config: the sections of authproxy.cfg, without [gateway] and [fleet]" .Values.config | trim }}

[gateway]
workers={{ .Values.workers }}
drain_timeout_s={{ .Values.drainTimeoutSeconds }}
console={{ .Values.console.host | replace "::" "[::]" }}:{{ .Values.console.port }}
console_token_file=/secrets/{{ .Values.console.tokenFile }}
{{- if or .Values.console.certFile .Values.console.keyFile }}
console_tls_cert_file=/secrets/{{ required "console.certFile: the certificate that belongs to console.keyFile" .Values.console.certFile }}
console_tls_key_file=/secrets/{{ required "console.keyFile: the key that belongs to console.certFile" .Values.console.keyFile }}
{{- end }}
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
