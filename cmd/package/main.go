// Command package makes one zip per function in dist/, as Cloud Functions takes it,
// and proves each without a network: it builds the zip's content as the Go buildpack
// does and starts the result.
//
// A zip holds the function's package without its tests and cmd/, and everything it
// needs under vendor/. It comes out byte by byte the same when nothing changed, so
// terraform sees no change either. dist/VERSION says which release the zips are of.
//
// With -tools DIR the zip of mcp has the author's package in DIR in it, whose entry point
// is "tools" (docs/tools.md).
//
// With -store postgres the functions have PostgreSQL's driver in place of Firestore's; dist/STORE
// says which.
//
// With -programs DIR it makes only the zips that are missing, and puts the programs
// that the buildpack would make of them into DIR.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/postern-dev/postern/shared/manifest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run() error {
	programs := flag.String("programs", "", "put the functions' programs into this `directory` instead of making zips")
	tools := flag.String("tools", "", "put the package in this `directory` into mcp.zip, in place of functions/mcp")
	name := flag.String("store", string(manifest.Firestore), "the `store` that functions link: firestore or postgres")
	flag.Parse()
	over, err := storeOf(*name)
	if err != nil {
		return err
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	release, err := writeRelease(root)
	if err != nil {
		return err
	}
	if *programs != "" {
		return buildPrograms(root, *programs, release)
	}
	if err := os.WriteFile(filepath.Join(root, "dist", "STORE"), []byte(over+"\n"), 0o644); err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintln(table, "function\tzip KiB\tfiles\tbinary KiB\tproof\t")
	for _, f := range manifest.Functions {
		zip, source := filepath.Join(root, "dist", f.Name+".zip"), filepath.Join(root, "functions", f.Name)
		if f.Name == "mcp" && *tools != "" {
			source, f.Name = *tools, "tools"
		}
		files, err := pack(source, zip, over)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		p, err := proveOnce(root, zip, release, f, over)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		info, err := os.Stat(zip)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t\n", f.Name, info.Size()>>10, files, p.BinarySize>>10, p.how)
	}
	return nil
}

// findRoot returns the directory of go.work, upwards from here.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.Join(err, errors.New("no go.work here or above: run this in the source tree"))
}

func fileHash(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
