// Command bare is what the start and the memory of a function are compared with: a
// functions-framework program that answers "ok".
package main

import (
	"cmp"
	"log"
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() {
	functions.HTTP("bare", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
}

func main() {
	if err := os.Setenv("FUNCTION_TARGET", "bare"); err != nil {
		log.Fatal(err)
	}
	log.Fatal(funcframework.StartHostPort("127.0.0.1", cmp.Or(os.Getenv("PORT"), "8080")))
}
