package main

import (
	"os"
	"testing"

	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }
