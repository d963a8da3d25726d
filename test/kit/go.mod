module github.com/postern-dev/postern/test/kit

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/postern-dev/postern/shared v0.0.0
	golang.org/x/net v0.61.0
	golang.org/x/oauth2 v0.38.0
	golang.org/x/tools v0.52.0
)

replace github.com/postern-dev/postern/shared => ../../shared
