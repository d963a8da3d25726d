// Command needed is what a whole login is compared with: functions-framework with a
// function that does on request what a login cannot do without, and nothing else.
//
//	GET or POST /?body=N         N bytes
//	            …&sign=1         one ES256 signature before it
//	            …&commit=1       one durable commit of the embedded store, in $DIR, before it
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/embedded"
)

var (
	key = sync.OnceValues(func() (*ecdsa.PrivateKey, error) {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	})
	store = sync.OnceValues(func() (*embedded.Driver, error) {
		return embedded.Open(context.Background(), os.Getenv("DIR"))
	})
)

func init() { functions.HTTP("needed", answer) }

func main() {
	if err := os.Setenv("FUNCTION_TARGET", "needed"); err != nil {
		log.Fatal(err)
	}
	log.Fatal(funcframework.StartHostPort("127.0.0.1", cmp.Or(os.Getenv("PORT"), "8080")))
}

func answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if err := work(r, q.Has("sign"), q.Has("commit")); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	n, _ := strconv.Atoi(q.Get("body")) // 0 if absent
	_, _ = w.Write(append([]byte("ok"), bytes.Repeat([]byte("x"), n)...))
}

func work(r *http.Request, sign, commit bool) error {
	if sign {
		k, err := key()
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(r.URL.RawQuery))
		if _, err := ecdsa.SignASN1(rand.Reader, k, sum[:]); err != nil {
			return err
		}
	}
	if !commit {
		return nil
	}
	s, err := store()
	if err != nil {
		return err
	}
	key := driver.Key{Collection: "clients", ID: rand.Text() + rand.Text()}
	return s.Create(r.Context(), key, driver.Document{Body: strings.Repeat("x", 1000)})
}
