{{/* Names and labels. */}}
{{- define "takeoff.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 30 | trimSuffix "-" -}}
{{- end -}}

{{- define "takeoff.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 30 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "takeoff.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 30 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects pods: {root, component}. Never changes in the life of a release. */}}
{{- define "takeoff.selector" -}}
app.kubernetes.io/name: {{ include "takeoff.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .application }}
takeoff/application: {{ . }}
{{- end }}
{{- end -}}

{{- define "takeoff.labels" -}}
{{ include "takeoff.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* {root, own}: the image of a part over that of the chart. */}}
{{- define "takeoff.image" -}}
{{- $image := mergeOverwrite (deepCopy .root.Values.image) .own -}}
{{- printf "%s:%s" $image.repository (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}

{{/* Keys in camelCase as those of config.yaml. */}}
{{- define "takeoff.settings" -}}
{{- range $key, $value := . }}
{{ snakecase $key }}: {{ toJson $value }}
{{- else }} {}
{{- end }}
{{- end -}}

{{/* Nobody writes to the root file system, nobody is root. */}}
{{- define "takeoff.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Of a uid of the image. */}}
{{- define "takeoff.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* How pods are replaced: what Recreate has no use for is left out. */}}
{{- define "takeoff.strategy" -}}
type: {{ .type }}
{{- if and (eq .type "RollingUpdate") .rollingUpdate }}
rollingUpdate:
  {{- toYaml .rollingUpdate | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where pods run: of a part's values. */}}
{{- define "takeoff.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Variables by which a process finds Redis: {root, url}, the Secret of the address where Redis is not that of the chart. */}}
{{- define "takeoff.redisEnv" -}}
{{- $redis := .root.Values.redis -}}
{{- if not $redis.enabled }}
- name: TAKEOFF_REDIS_URL
  valueFrom:
    secretKeyRef:
      {{- toYaml .url | nindent 6 }}
{{- if $redis.external.tlsSecret }}
- name: TAKEOFF_REDIS_CA
  value: /etc/takeoff/redis/ca.crt
{{- if $redis.external.clientCertificate }}
- name: TAKEOFF_REDIS_CERT
  value: /etc/takeoff/redis/tls.crt
- name: TAKEOFF_REDIS_KEY
  value: /etc/takeoff/redis/tls.key
{{- end }}
{{- end }}
{{- else }}
{{- if $redis.passwordSecret.name }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      {{- toYaml $redis.passwordSecret | nindent 6 }}
{{- end }}
- name: TAKEOFF_REDIS_URL
  value: redis://{{ if $redis.passwordSecret.name }}:$(REDIS_PASSWORD)@{{ end }}{{ include "takeoff.fullname" .root }}-redis:6379
{{- end }}
{{- end -}}

{{/* The consumer groups of a reader as YAML: a list, or names separated by commas, under either of two names. */}}
{{- define "takeoff.groups" -}}
{{- $given := default .consumerGroups .consumerGroup | default "primary" -}}
{{- $names := list -}}
{{- if kindIs "string" $given -}}
{{- range splitList "," $given }}{{ $names = append $names (trim .) }}{{ end -}}
{{- else -}}
{{- $names = $given -}}
{{- end -}}
{{- toYaml $names -}}
{{- end -}}

{{/* An application as YAML: the template with its own values over it. {root, name} */}}
{{- define "takeoff.application" -}}
{{- $own := index .root.Values.applications .name | default dict -}}
{{- $app := mergeOverwrite (deepCopy .root.Values.applicationTemplate) (deepCopy $own) -}}
{{- if not $app.readerConfig.modelName -}}
{{- fail (printf "applications.%s.readerConfig.modelName is missing: a folder with a checkpoint, or a name of the model hub such as owner/name." .name) -}}
{{- end -}}
{{- $scaling := $app.autoscaling -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- fail (printf "applications.%s.autoscaling.minReplicas is %d and maxReplicas %d; it must not be larger." .name (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- if and $scaling.enabled (eq $scaling.trigger "redis-streams") (not .root.Values.redis.enabled) (not .root.Values.redis.external.address) -}}
{{- fail (printf "applications.%s.autoscaling.trigger is redis-streams and redis.external.address is empty: KEDA needs host:port of your Redis." .name) -}}
{{- end -}}
{{- $most := ternary $scaling.maxReplicas $app.replicas $scaling.enabled | int -}}
{{- $cache := $app.modelCache -}}
{{- if and (eq $cache.kind "claim") (gt $most 1) (eq $cache.accessMode "ReadWriteOnce") -}}
{{- fail (printf "applications.%s.modelCache.accessMode is ReadWriteOnce and it may have %d replicas, which may run on several nodes; allowed are ReadWriteMany, or kind emptyDir." .name $most) -}}
{{- end -}}
{{- if and (eq $cache.kind "existingClaim") (not $cache.existingClaim) -}}
{{- fail (printf "applications.%s.modelCache.kind is existingClaim and existingClaim is empty: the name of a PersistentVolumeClaim." .name) -}}
{{- end -}}
{{- toYaml $app -}}
{{- end -}}

{{/* Whether KEDA asks the gateways, as text: empty if not. */}}
{{- define "takeoff.servesScaler" -}}
{{- range $name, $_ := .Values.applications -}}
{{- $scaling := (include "takeoff.application" (dict "root" $ "name" $name) | fromYaml).autoscaling -}}
{{- if and $scaling.enabled (eq $scaling.trigger "external-push") }}yes{{ end -}}
{{- end -}}
{{- if hasKey .Values.gateway.config "internalPort" }}yes{{ end -}}
{{- end -}}

{{/* Ports of the gateway as YAML, by name; those that are not opened are not there. */}}
{{- define "takeoff.ports" -}}
{{- $config := .Values.gateway.config -}}
http: {{ default 3000 $config.port | int }}
{{- if ne (toString $config.launchManagementServer) "false" }}
management: {{ default 3001 $config.managementPort | int }}
{{- end }}
{{- if ne (toString $config.launchOpenaiServer) "false" }}
openai: {{ default 3003 $config.openaiPort | int }}
{{- end }}
{{- if include "takeoff.servesScaler" . }}
scaler: {{ default 3005 $config.internalPort | int }}
{{- end }}
{{- end -}}

{{/* Whether KEDA asks Redis, as text: empty if not. */}}
{{- define "takeoff.scalerAsksRedis" -}}
{{- range $name, $_ := .Values.applications -}}
{{- $scaling := (include "takeoff.application" (dict "root" $ "name" $name) | fromYaml).autoscaling -}}
{{- if and $scaling.enabled (eq $scaling.trigger "redis-streams") }}yes{{ end -}}
{{- end -}}
{{- end -}}

{{/* Certificates for a Redis of yours. */}}
{{- define "takeoff.redisVolume" -}}
{{- if and (not .Values.redis.enabled) .Values.redis.external.tlsSecret }}
- name: redis-tls
  secret:
    secretName: {{ .Values.redis.external.tlsSecret }}
{{- end }}
{{- end -}}

{{- define "takeoff.redisMount" -}}
{{- if and (not .Values.redis.enabled) .Values.redis.external.tlsSecret }}
- name: redis-tls
  mountPath: /etc/takeoff/redis
  readOnly: true
{{- end }}
{{- end -}}

{{/* Names of hosts, Redis, and what was added. */}}
{{- define "takeoff.commonEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- if .Values.redis.enabled }}
- ports:
    - port: 6379
  to:
    - podSelector:
        matchLabels:
          {{- include "takeoff.selector" (dict "root" . "component" "redis") | nindent 10 }}
{{- else }}
- ports:
    - port: {{ .Values.redis.external.port | int }}
  {{- with .Values.networkPolicy.redis }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
