package main

import (
	_ "embed"
	"io"
	"text/template"
)

//go:embed welcome.txt
var welcomeText string

var welcome = template.Must(template.New("welcome").Parse(welcomeText))

// printWelcome says where the server is and what to paste into each client.
func printWelcome(w io.Writer, origin string) {
	_ = welcome.Execute(w, struct{ URL string }{origin + "/mcp"})
}
