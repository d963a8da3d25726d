package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Two people who build a release in two places compare checksums.
func TestAProgramIsTheSameWhereverItIsBuilt(t *testing.T) {
	t.Setenv("GOWORK", "off")
	t.Setenv("GOAMD64", "v3")
	one := built(t)
	t.Setenv("GOFLAGS", "-buildvcs=true")
	t.Setenv("GOAMD64", "v2")
	if two := built(t); !bytes.Equal(one, two) {
		t.Error("two builds of one source differ")
	}
}

// built builds a program in a directory of its own.
func built(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/program\n\ngo 1.26.0\n",
		"main.go": "package main\n\nfunc main() { panic(\"with a path in its trace\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "program")
	if err := build(t.Context(), dir, ".", program, "v1.2.3", targets[0]); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestChecksumsNameEveryFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"b": "", "a.zip": "abc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.zip\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// The SBOM of one program is the same from two machines.
func TestAnSBOMSaysNothingOfTheMachine(t *testing.T) {
	t.Parallel()
	of := func(machine string) []byte {
		list, err := withoutMachine([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,
			"metadata":{"tools":[{"name":"a tool","hashes":["` + machine + `"]}],"component":{"name":"postern"},
			"properties":[{"name":"cdx:gomod:build:env:GOOS","value":"` + machine + `"}]},
			"components":[{"name":"a module"}],"dependencies":[{"ref":"a module"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	one, two := of("one"), of("two")
	if !bytes.Equal(one, two) {
		t.Errorf("got\n%s\nand\n%s", one, two)
	}
	for _, want := range []string{`"a tool"`, `"postern"`, `"a module"`, `"ref"`, `"1.6"`} {
		if !bytes.Contains(one, []byte(want)) {
			t.Errorf("%s is lost: %s", want, one)
		}
	}
}
