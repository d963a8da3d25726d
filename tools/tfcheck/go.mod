module github.com/postern-dev/postern/tools/tfcheck

go 1.26.0

require (
	github.com/postern-dev/postern/shared v0.0.0
	github.com/postern-dev/postern/terraform/gateway v0.0.0
	go.yaml.in/yaml/v3 v3.0.5
)

replace (
	github.com/postern-dev/postern/shared => ../../shared
	github.com/postern-dev/postern/terraform/gateway => ../../terraform/gateway
)
