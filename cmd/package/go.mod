module github.com/postern-dev/postern/cmd/package

go 1.26.0
