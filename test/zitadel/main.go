// Command zitadel runs the certified OpenID Connect provider of github.com/zitadel/oidc, with
// people and clients that tests make. What it knows it keeps in a file, so that it can be
// stopped and started again. Knobs are at /_control, as the other provider programs of the
// tests have them (package idp).
//
//	zitadel -listen 127.0.0.1:9000 -issuer http://localhost:9000 -state FILE
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

func main() {
	listen := flag.String("listen", "", "`address` to listen on")
	issuer := flag.String("issuer", "", "`URL` of its issuer")
	file := flag.String("state", "", "`file` that keeps what it knows")
	flag.Parse()
	log.Fatal(run(*listen, *issuer, *file))
}

func run(listen, issuer, file string) error {
	s, err := openStorage(file)
	if err != nil {
		return err
	}
	provider, err := op.NewProvider(&op.Config{
		CryptoKey: s.CryptoKey, CodeMethodS256: true, AuthMethodPost: true, AuthMethodPrivateKeyJWT: true,
		GrantTypeRefreshToken: true, SupportedScopes: []string{"openid", "profile", "email", "offline_access"},
	}, s, op.StaticIssuer(issuer), op.WithAllowInsecure())
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", signInPage)
	mux.HandleFunc("POST /sign-in", s.signIn(op.AuthCallbackURL(provider), issuer))
	mux.HandleFunc("POST /_control", s.control)
	mux.Handle("/", provider)
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", issuer)
	return http.Serve(l, mux)
}
