module github.com/postern-dev/postern/cmd/release

go 1.26.0

replace github.com/postern-dev/postern/shared => ../../shared

require github.com/postern-dev/postern/shared v0.0.0
