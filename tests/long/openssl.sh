#!/bin/sh
# openssl.sh DATA: digests, ciphers and signatures of the files DATA/input*, one line each with a name and a value
# that depends on nothing else. Two runs of it on processors that compute alike print the same.
data=$1
export OPENSSL_CONF=/dev/null
key=00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0
iv=0123456789abcdeffedcba9876543210

digests='md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 shake256 blake2b512 blake2s256 sm3
	md4 rmd160'
# name:bytes of key:bytes of iv
ciphers='aes-128-ecb:16:0 aes-128-cbc:16:16 aes-192-cbc:24:16 aes-256-cbc:32:16 aes-256-ctr:32:16 aes-128-cfb:16:16
	aes-256-ofb:32:16 aria-256-cbc:32:16 camellia-256-cbc:32:16 des-ede3-cbc:24:8 sm4-cbc:16:16 chacha20:32:16
	bf-cbc:16:8 cast5-cbc:16:8 des-cbc:8:8 rc2-cbc:16:8 rc4:16:0 seed-cbc:16:16'
providers='-provider default -provider legacy'

# Print a digest of standard input.
sum() { openssl dgst -sha256 -r | { read -r value rest; echo "$value"; }; }
# Print name $1 and whether the rest, a command, succeeds.
check() {
	what=$1
	shift
	if "$@" >/dev/null 2>&1; then echo "$what ok"; else echo "$what FAILED"; fi
}
# The first $2 bytes of hex string $1; 0: nothing.
cut_hex() { [ "$2" = 0 ] || printf "%.$(($2 * 2))s" "$1"; }

for file in "$data"/input*; do
	label=${file##*/}
	for digest in $digests; do
		# shellcheck disable=SC2086
		openssl dgst $providers "-$digest" -r "$file" | { read -r value rest; echo "$label $digest $value"; }
	done
	echo "$label hmac-sha256 $(openssl dgst -sha256 -hmac trestle -binary "$file" | sum)"
	for entry in $ciphers; do
		cipher=${entry%%:*}
		sizes=${entry#*:}
		iv_option=
		[ "${sizes#*:}" = 0 ] || iv_option="-iv $(cut_hex $iv "${sizes#*:}")"
		# shellcheck disable=SC2086
		set -- $providers "-$cipher" -K "$(cut_hex $key "${sizes%:*}")" $iv_option
		openssl enc -e "$@" -in "$file" >/tmp/cipher.out
		echo "$label $cipher $(sum </tmp/cipher.out)"
		echo "$label $cipher-back $(openssl enc -d "$@" -in /tmp/cipher.out | sum) $(sum <"$file")"
	done
	for rsa in "$data"/rsa*.pem; do
		bits=${rsa##*/}
		bits=${bits%.pem}
		for digest in sha1 sha256 sha512; do
			openssl dgst "-$digest" -sign "$rsa" "$file" >/tmp/rsa.out
			echo "$label $bits-$digest $(sum </tmp/rsa.out)"
			check "$label $bits-$digest-verify" \
				openssl dgst "-$digest" -prverify "$rsa" -signature /tmp/rsa.out "$file"
		done
		openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:0 -sign "$rsa" "$file" >/tmp/rsa.out
		echo "$label $bits-pss $(sum </tmp/rsa.out)"
	done
	openssl pkeyutl -sign -rawin -inkey "$data/ed25519.pem" -in "$file" >/tmp/ed.out
	echo "$label ed25519 $(sum </tmp/ed.out)"
done
for peer in rsa2048 rsa4096; do
	# Encryption has random padding: what must come back is the message.
	head=$(openssl dgst -sha256 -binary "$data/input1" | tee /tmp/message | sum)
	openssl pkeyutl -encrypt -inkey "$data/$peer.pem" -in /tmp/message -out /tmp/secret
	echo "$peer-decrypt $(openssl pkeyutl -decrypt -inkey "$data/$peer.pem" -in /tmp/secret | sum) $head"
	# What the machine that made the keys has encrypted.
	echo "$peer-decrypt-foreign $(openssl pkeyutl -decrypt -inkey "$data/$peer.pem" -in "$data/$peer.secret" | sum)"
done
echo "ecdh $(openssl pkeyutl -derive -inkey "$data/p256.pem" -peerkey "$data/p256.pub" | sum)"
rm -f /tmp/cipher.out /tmp/rsa.out /tmp/ed.out /tmp/message /tmp/secret
