package signing

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"
)

// R and S have 32 bytes each, however short or long DER has them (RFC 7518 §3.4).
func TestSignaturesHaveAFixedForm(t *testing.T) {
	t.Parallel()
	var numbers []*big.Int
	for _, bits := range []uint{0, 7, 8, 127, 128, 247, 248, 254, 255} {
		n := new(big.Int).Lsh(big.NewInt(1), bits)
		numbers = append(numbers, n, new(big.Int).Add(n, big.NewInt(1)))
	}
	for _, r := range numbers {
		for _, s := range numbers {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				t.Fatal(err)
			}
			want := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
			if got := fixed(der); !bytes.Equal(got, want) {
				t.Errorf("R %x, S %x: got %x, want %x", r, s, got, want)
			}
		}
	}
}
