// Command fakegithub runs a fake GitHub on loopback until it is interrupted. Its first
// line of output is the URL to use for GITHUB_URL and GITHUB_API_URL; its knobs are
// at /_control (see package oauthtest).
//
//	fakegithub [-listen 127.0.0.1:0] [-host localhost] [-client-id ID] [-client-secret SECRET] [-callback URL]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/postern-dev/postern/test/kit/oauthtest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fakegithub:", err)
		os.Exit(1)
	}
}

func run() error {
	var o oauthtest.GitHubOptions
	flag.StringVar(&o.Addr, "listen", "127.0.0.1:0", "`address` to listen on")
	flag.StringVar(&o.Host, "host", "", "host `name` in the URL; localhost makes it another site than 127.0.0.1")
	flag.StringVar(&o.ClientID, "client-id", "", "client `id` of the OAuth app; a fixed one if empty")
	flag.StringVar(&o.ClientSecret, "client-secret", "", "client `secret` of the OAuth app; a fixed one if empty")
	flag.StringVar(&o.Callback, "callback", "", "registered callback `URL`; any on loopback if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, err := oauthtest.NewGitHub(&o)
	if err != nil {
		return err
	}
	defer g.Close()
	fmt.Println(g.URL)
	fmt.Println("client id:", g.ClientID)
	fmt.Println("client secret:", g.ClientSecret)
	<-ctx.Done()
	return nil
}
