package pages_test

import "github.com/postern-dev/postern/test/kit/edgetest"

// What these tests share with those of the edge.
var (
	parse      = edgetest.Origin
	deployment = edgetest.Deployment
	serve      = edgetest.Serve
)
