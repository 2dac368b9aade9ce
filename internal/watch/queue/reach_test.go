package queue

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// elsewhere lets the broker say that it is at another place.
func (f *fakeKafka) elsewhere(host string, port int32) {
	info := f.TopicInfo("dns")
	f.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		res := req.ResponseKind().(*kmsg.MetadataResponse)
		res.ControllerID = 0
		b := kmsg.NewMetadataResponseBroker()
		b.Host, b.Port = host, port
		res.Brokers = append(res.Brokers, b)
		of := kmsg.NewMetadataResponseTopic()
		of.Topic, of.TopicID = kmsg.StringPtr("dns"), info.TopicID
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Replicas, p.ISR = []int32{0}, []int32{0}
		of.Partitions = append(of.Partitions, p)
		res.Topics = append(res.Topics, of)
		return res, nil, true
	})
}

// TestKafkaOutOfReach: a broker that says that it is where it cannot be reached, which is what a wrong advertised.listeners does, is told.
func TestKafkaOutOfReach(t *testing.T) {
	f := newFakeKafka(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f.elsewhere("127.0.0.1", int32(port))
	f.watch("", Access{}).says("cannot be reached")
}

// TestInTheClear: what is entered in the clear goes to this machine alone, wherever brokers say that they are. Nothing is sent there.
func TestInTheClear(t *testing.T) {
	f := newFakeKafka(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "watch", "secret"))
	f.elsewhere("192.0.2.1", 9092)
	f.watch("", Access{User: "watch", Password: "secret", Mechanism: "PLAIN"}).says(errClear.Error())
	for address, ok := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "192.0.2.1:1": false, "[2001:db8::1]:1": false, "0.0.0.0:1": false, "x": false} {
		if err := dialHere().Control("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestKafkaAccess: each way in is open to who has what it asks for, and to nobody else; and no password is in what is said.
func TestKafkaAccess(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		f := newFakeKafka(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "watch", "secret"))
		x := Access{User: "watch", Password: "secret", Mechanism: mechanism}
		s, err := Kafka(t.Context(), f.address(""), x)
		if err != nil {
			t.Fatal(mechanism, err)
		}
		s.Close()
		x.Password = "not-this"
		if s, err := Kafka(t.Context(), f.address(""), x); err == nil || strings.Contains(err.Error(), "not-this") || strings.Contains(err.Error(), "deadline") {
			t.Errorf("%s: %v, %v", mechanism, s, err)
		}
	}
	if _, err := Kafka(t.Context(), Address{Hosts: []string{"127.0.0.1:1"}, Name: "dns", Consumer: "w"}, Access{User: "watch", Mechanism: "GSSAPI"}); err == nil {
		t.Error("a mechanism is known that is not")
	}
	pair, pool := selfSigned(t)
	f := newFakeKafka(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}))
	a := f.address("")
	a.TLS = true
	s, err := Kafka(t.Context(), a, Access{TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, config := range []*tls.Config{nil, {RootCAs: pool, MinVersion: tls.VersionTLS12}, {Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}} {
		if _, err := Kafka(t.Context(), a, Access{TLS: config}); err == nil {
			t.Errorf("%+v lets in", config)
		}
	}
}

// selfSigned makes a certificate for 127.0.0.1, of servers and clients, and who trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
