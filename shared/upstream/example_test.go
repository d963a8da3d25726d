package upstream_test

import (
	"context"
	"fmt"

	"github.com/postern-dev/postern/shared/upstream"
)

// Nothing said means nobody; what is said is kept in normal form.
func ExampleParseAllow() {
	allow, err := upstream.ParseAllow("user:OctoCat, org:acme")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(allow.Rules(), allow.RequiredScopes())

	id := upstream.Identity{Subject: "github:583231", Login: "octocat"}
	rule, err := allow.Check(context.Background(), nilProvider{}, upstream.Token{}, id)
	fmt.Println(rule, err)
	// Output:
	// [user:octocat org:acme] [read:org]
	// user:octocat <nil>
}

// nilProvider is a provider that is never asked: the first rule decides.
type nilProvider struct{ upstream.Provider }

func (nilProvider) Name() string { return "github" }
