// Serve runs the control plane of the tests for trying commands by hand:
//
//	GOWORK=off go run -C tools/tfcheck ./controlplane/serve [-project acme-mcp] [-grants 2m]
//
// It prints the variables by which the Google provider finds it, runs until Ctrl-C, and prints what it was asked.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
)

func main() {
	project := flag.String("project", "acme-mcp", "id of the project there is")
	grants := flag.Duration("grants", 0, "how long a grant takes, by a clock that POST /wait?seconds=N moves")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cloud := controlplane.Start(*project, *grants)
	defer cloud.Close()
	for _, variable := range cloud.Environment() {
		fmt.Println("export " + variable)
	}
	fmt.Printf("export TF_VAR_grants_take=%.0f\n", grants.Seconds())
	<-ctx.Done()
	for _, call := range cloud.Calls() {
		fmt.Println(call.Status, call.Method, call.Path)
	}
}
