package fernet

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Offsets of a decoded token's fields, Spec "Token Format".
const (
	version    = 0x80
	ivAt       = 1 + 8 // after version and seconds
	cipherAt   = ivAt + aes.BlockSize
	macSize    = sha256.Size
	minDecoded = cipherAt + aes.BlockSize + macSize // padding makes one block at least
)

// encrypt writes a token with a given IV, Spec "Generating".
func (k Key) encrypt(plaintext []byte, now time.Time, iv [aes.BlockSize]byte) string {
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize // RFC 5652 §6.3
	end := cipherAt + len(plaintext) + padding
	token := make([]byte, end, end+macSize)
	token[0] = version
	binary.BigEndian.PutUint64(token[1:ivAt], uint64(now.Unix()))
	copy(token[ivAt:cipherAt], iv[:])
	text := token[cipherAt:end]
	n := copy(text, plaintext)
	for i := n; i < len(text); i++ {
		text[i] = byte(padding)
	}
	cipher.NewCBCEncrypter(k.material.block, iv[:]).CryptBlocks(text, text)
	return base64.URLEncoding.EncodeToString(append(token, k.mac(token)...))
}

// decrypt opens a decoded token of at least minDecoded bytes, Spec "Verifying".
// Nothing is decrypted before the HMAC agreed, so a wrong padding is a fault of
// a writer who has the key, and not an oracle for one who has not.
func (k Key) decrypt(token []byte) ([]byte, bool) {
	signed, mac := token[:len(token)-macSize], token[len(token)-macSize:]
	if !hmac.Equal(k.mac(signed), mac) {
		return nil, false
	}
	text := bytes.Clone(signed[cipherAt:])
	if len(text)%aes.BlockSize != 0 {
		return nil, false
	}
	cipher.NewCBCDecrypter(k.material.block, signed[ivAt:cipherAt]).CryptBlocks(text, text)
	return unpad(text)
}

// unpad removes the padding of RFC 5652 §6.3 from a text of at least one block.
func unpad(text []byte) ([]byte, bool) {
	n := int(text[len(text)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, false
	}
	for _, b := range text[len(text)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return text[:len(text)-n], true
}

// decode reads padded base64url in its one spelling.
func decode(s string) ([]byte, bool) {
	decoded, err := base64.URLEncoding.Strict().DecodeString(s)
	// The decoder skips CR and LF even when strict; a string that had some is
	// longer than what its bytes encode to.
	if err != nil || len(s) != base64.URLEncoding.EncodedLen(len(decoded)) {
		return nil, false
	}
	return decoded, true
}

func newIV() (iv [aes.BlockSize]byte) {
	rand.Read(iv[:]) // never fails (crypto/rand)
	return iv
}
