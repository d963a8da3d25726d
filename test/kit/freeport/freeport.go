// Package freeport finds ports of loopback for programs that have to be told which to listen on.
package freeport

import (
	"fmt"
	"net"
	"testing"
)

// Address returns an address, host:port, that nobody listened on a moment ago.
func Address() (string, error) {
	all, err := addresses(1)
	if err != nil {
		return "", err
	}
	return all[0], nil
}

// Addresses returns n different ones.
func Addresses(t testing.TB, n int) []string {
	t.Helper()
	all, err := addresses(n)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Port returns the port of one.
func Port(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(Addresses(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func addresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // once all are taken, so that they differ
		all = append(all, l.Addr().String())
	}
	return all, nil
}
