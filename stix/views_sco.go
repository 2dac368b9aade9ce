package stix

import "github.com/go-json-experiment/json/jsontext"

// Views of cyber-observables (STIX 2.1 §6). A number that may be absent is a pointer; a
// predefined extension is decoded with [Object.Extension].

// CommonSCO are the properties that cyber-observables share (STIX 2.1 §3.2).
type CommonSCO struct {
	Type              string                    `json:"type"`
	SpecVersion       string                    `json:"spec_version"`
	ID                string                    `json:"id"`
	ObjectMarkingRefs []string                  `json:"object_marking_refs"`
	GranularMarkings  []GranularMarking         `json:"granular_markings"`
	Defanged          bool                      `json:"defanged"`
	Extensions        map[string]jsontext.Value `json:"extensions"`
}

// Artifact is STIX 2.1 §6.1. PayloadBin is decoded from its base64.
type Artifact struct {
	CommonSCO
	MIMEType            string            `json:"mime_type"`
	PayloadBin          []byte            `json:"payload_bin"`
	URL                 string            `json:"url"`
	Hashes              map[string]string `json:"hashes"`
	EncryptionAlgorithm string            `json:"encryption_algorithm"`
	DecryptionKey       string            `json:"decryption_key"`
}

// AutonomousSystem is STIX 2.1 §6.2.
type AutonomousSystem struct {
	CommonSCO
	Number int64  `json:"number"`
	Name   string `json:"name"`
	RIR    string `json:"rir"`
}

// Directory is STIX 2.1 §6.3.
type Directory struct {
	CommonSCO
	Path         string    `json:"path"`
	PathEnc      string    `json:"path_enc"`
	CTime        Timestamp `json:"ctime"`
	MTime        Timestamp `json:"mtime"`
	ATime        Timestamp `json:"atime"`
	ContainsRefs []string  `json:"contains_refs"`
}

// DomainName is STIX 2.1 §6.4.
type DomainName struct {
	CommonSCO
	Value          string   `json:"value"`
	ResolvesToRefs []string `json:"resolves_to_refs"`
}

// EmailAddr is STIX 2.1 §6.5.
type EmailAddr struct {
	CommonSCO
	Value        string `json:"value"`
	DisplayName  string `json:"display_name"`
	BelongsToRef string `json:"belongs_to_ref"`
}

// EmailMessage is STIX 2.1 §6.6. A header field is a string or a list of strings.
type EmailMessage struct {
	CommonSCO
	IsMultipart            bool                      `json:"is_multipart"`
	Date                   Timestamp                 `json:"date"`
	ContentType            string                    `json:"content_type"`
	FromRef                string                    `json:"from_ref"`
	SenderRef              string                    `json:"sender_ref"`
	ToRefs                 []string                  `json:"to_refs"`
	CCRefs                 []string                  `json:"cc_refs"`
	BCCRefs                []string                  `json:"bcc_refs"`
	MessageID              string                    `json:"message_id"`
	Subject                string                    `json:"subject"`
	ReceivedLines          []string                  `json:"received_lines"`
	AdditionalHeaderFields map[string]jsontext.Value `json:"additional_header_fields"`
	Body                   string                    `json:"body"`
	BodyMultipart          []MIMEPart                `json:"body_multipart"`
	RawEmailRef            string                    `json:"raw_email_ref"`
}

// MIMEPart is a part of an e-mail message (STIX 2.1 §6.6.2).
type MIMEPart struct {
	Body               string `json:"body"`
	BodyRawRef         string `json:"body_raw_ref"`
	ContentType        string `json:"content_type"`
	ContentDisposition string `json:"content_disposition"`
}

// File is STIX 2.1 §6.7.
type File struct {
	CommonSCO
	Hashes             map[string]string `json:"hashes"`
	Size               *int64            `json:"size"`
	Name               string            `json:"name"`
	NameEnc            string            `json:"name_enc"`
	MagicNumberHex     string            `json:"magic_number_hex"`
	MIMEType           string            `json:"mime_type"`
	CTime              Timestamp         `json:"ctime"`
	MTime              Timestamp         `json:"mtime"`
	ATime              Timestamp         `json:"atime"`
	ParentDirectoryRef string            `json:"parent_directory_ref"`
	ContainsRefs       []string          `json:"contains_refs"`
	ContentRef         string            `json:"content_ref"`
}

// IPAddr is an ipv4-addr or ipv6-addr (STIX 2.1 §6.8, §6.9): an address or a CIDR block.
type IPAddr struct {
	CommonSCO
	Value          string   `json:"value"`
	ResolvesToRefs []string `json:"resolves_to_refs"`
	BelongsToRefs  []string `json:"belongs_to_refs"`
}

// MACAddr is STIX 2.1 §6.10.
type MACAddr struct {
	CommonSCO
	Value string `json:"value"`
}

// Mutex is STIX 2.1 §6.11.
type Mutex struct {
	CommonSCO
	Name string `json:"name"`
}

// NetworkTraffic is STIX 2.1 §6.12.
type NetworkTraffic struct {
	CommonSCO
	Start             Timestamp                 `json:"start"`
	End               Timestamp                 `json:"end"`
	IsActive          *bool                     `json:"is_active"`
	SrcRef            string                    `json:"src_ref"`
	DstRef            string                    `json:"dst_ref"`
	SrcPort           *int64                    `json:"src_port"`
	DstPort           *int64                    `json:"dst_port"`
	Protocols         []string                  `json:"protocols"`
	SrcByteCount      *int64                    `json:"src_byte_count"`
	DstByteCount      *int64                    `json:"dst_byte_count"`
	SrcPackets        *int64                    `json:"src_packets"`
	DstPackets        *int64                    `json:"dst_packets"`
	IPFIX             map[string]jsontext.Value `json:"ipfix"`
	SrcPayloadRef     string                    `json:"src_payload_ref"`
	DstPayloadRef     string                    `json:"dst_payload_ref"`
	EncapsulatesRefs  []string                  `json:"encapsulates_refs"`
	EncapsulatedByRef string                    `json:"encapsulated_by_ref"`
}

// Process is STIX 2.1 §6.13.
type Process struct {
	CommonSCO
	IsHidden             *bool             `json:"is_hidden"`
	PID                  *int64            `json:"pid"`
	CreatedTime          Timestamp         `json:"created_time"`
	CWD                  string            `json:"cwd"`
	CommandLine          string            `json:"command_line"`
	EnvironmentVariables map[string]string `json:"environment_variables"`
	OpenedConnectionRefs []string          `json:"opened_connection_refs"`
	CreatorUserRef       string            `json:"creator_user_ref"`
	ImageRef             string            `json:"image_ref"`
	ParentRef            string            `json:"parent_ref"`
	ChildRefs            []string          `json:"child_refs"`
}

// Software is STIX 2.1 §6.14.
type Software struct {
	CommonSCO
	Name      string   `json:"name"`
	CPE       string   `json:"cpe"`
	SWID      string   `json:"swid"`
	Languages []string `json:"languages"`
	Vendor    string   `json:"vendor"`
	Version   string   `json:"version"`
}

// URL is STIX 2.1 §6.15.
type URL struct {
	CommonSCO
	Value string `json:"value"`
}

// UserAccount is STIX 2.1 §6.16.
type UserAccount struct {
	CommonSCO
	UserID                string    `json:"user_id"`
	Credential            string    `json:"credential"`
	AccountLogin          string    `json:"account_login"`
	AccountType           string    `json:"account_type"`
	DisplayName           string    `json:"display_name"`
	IsServiceAccount      *bool     `json:"is_service_account"`
	IsPrivileged          *bool     `json:"is_privileged"`
	CanEscalatePrivs      *bool     `json:"can_escalate_privs"`
	IsDisabled            *bool     `json:"is_disabled"`
	AccountCreated        Timestamp `json:"account_created"`
	AccountExpires        Timestamp `json:"account_expires"`
	CredentialLastChanged Timestamp `json:"credential_last_changed"`
	AccountFirstLogin     Timestamp `json:"account_first_login"`
	AccountLastLogin      Timestamp `json:"account_last_login"`
}

// WindowsRegistryKey is STIX 2.1 §6.17.
type WindowsRegistryKey struct {
	CommonSCO
	Key             string          `json:"key"`
	Values          []RegistryValue `json:"values"`
	ModifiedTime    Timestamp       `json:"modified_time"`
	CreatorUserRef  string          `json:"creator_user_ref"`
	NumberOfSubkeys *int64          `json:"number_of_subkeys"`
}

// RegistryValue is a value of a registry key (STIX 2.1 §6.17.2); the name of the default one is
// empty, and Name is nil if none is stated.
type RegistryValue struct {
	Name     *string `json:"name"`
	Data     string  `json:"data"`
	DataType string  `json:"data_type"`
}

// X509Certificate is STIX 2.1 §6.18.
type X509Certificate struct {
	CommonSCO
	IsSelfSigned              *bool             `json:"is_self_signed"`
	Hashes                    map[string]string `json:"hashes"`
	Version                   string            `json:"version"`
	SerialNumber              string            `json:"serial_number"`
	SignatureAlgorithm        string            `json:"signature_algorithm"`
	Issuer                    string            `json:"issuer"`
	ValidityNotBefore         Timestamp         `json:"validity_not_before"`
	ValidityNotAfter          Timestamp         `json:"validity_not_after"`
	Subject                   string            `json:"subject"`
	SubjectPublicKeyAlgorithm string            `json:"subject_public_key_algorithm"`
	SubjectPublicKeyModulus   string            `json:"subject_public_key_modulus"`
	SubjectPublicKeyExponent  *int64            `json:"subject_public_key_exponent"`
	X509V3Extensions          *X509Extensions   `json:"x509_v3_extensions"`
}

// X509Extensions are those of version 3 (STIX 2.1 §6.18.2).
type X509Extensions struct {
	BasicConstraints               string    `json:"basic_constraints"`
	NameConstraints                string    `json:"name_constraints"`
	PolicyConstraints              string    `json:"policy_constraints"`
	KeyUsage                       string    `json:"key_usage"`
	ExtendedKeyUsage               string    `json:"extended_key_usage"`
	SubjectKeyIdentifier           string    `json:"subject_key_identifier"`
	AuthorityKeyIdentifier         string    `json:"authority_key_identifier"`
	SubjectAlternativeName         string    `json:"subject_alternative_name"`
	IssuerAlternativeName          string    `json:"issuer_alternative_name"`
	SubjectDirectoryAttributes     string    `json:"subject_directory_attributes"`
	CrlDistributionPoints          string    `json:"crl_distribution_points"`
	InhibitAnyPolicy               string    `json:"inhibit_any_policy"`
	PrivateKeyUsagePeriodNotBefore Timestamp `json:"private_key_usage_period_not_before"`
	PrivateKeyUsagePeriodNotAfter  Timestamp `json:"private_key_usage_period_not_after"`
	CertificatePolicies            string    `json:"certificate_policies"`
	PolicyMappings                 string    `json:"policy_mappings"`
}
