package stix

import (
	"slices"
	"strings"
)

// Vocabulary is a list of values that the specification gives for a property
// (STIX 2.1 §10).
type Vocabulary struct {
	// Name is its name, as in "malware-type-ov".
	Name string
	// Section is where STIX 2.1 has it.
	Section string
	// Closed is true of an enumeration, whose values MUST be used; those of an open
	// vocabulary SHOULD be used.
	Closed bool
	// Values are its values in the order of the specification.
	Values []string
	// check is the number of the OASIS validator.
	check int
}

// VocabularyOf finds a vocabulary or enumeration by its name in STIX 2.1 §10. Its
// Values must not be changed.
func VocabularyOf(name string) (v Vocabulary, ok bool) {
	p, ok := vocabularies[name]
	if ok {
		v = *p
	}
	return v, ok
}

// Vocabularies lists the names of all vocabularies and enumerations, sorted.
func Vocabularies() []string {
	out := make([]string, 0, len(vocabularies))
	for name := range vocabularies {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// has finds a value of the vocabulary.
func (v *Vocabulary) has(b []byte) bool {
	for _, s := range v.Values {
		if s == string(b) {
			return true
		}
	}
	return false
}

var vocabularies = buildVocabularies()

// buildVocabularies is STIX 2.1 §10 with the values that its first errata added
// (rust, legal, private-sector, incident, south-eastern-asia).
func buildVocabularies() map[string]*Vocabulary {
	out := make(map[string]*Vocabulary)
	open := func(name, section string, check int, values string) {
		out[name] = &Vocabulary{Name: name, Section: section, Values: strings.Fields(values), check: check}
	}
	closed := func(name, section, values string) {
		out[name] = &Vocabulary{Name: name, Section: section, Closed: true, Values: strings.Fields(values)}
	}
	open("account-type-ov", "10.1", 244,
		"facebook ldap nis openid radius skype tacacs twitter unix windows-local windows-domain")
	open("attack-motivation-ov", "10.2", 211,
		"accidental coercion dominance ideology notoriety organizational-gain personal-gain personal-satisfaction revenge unpredictable")
	open("attack-resource-level-ov", "10.3", 212,
		"individual club contest team organization government")
	open("grouping-context-ov", "10.6", 225,
		"suspicious-activity malware-analysis unspecified")
	open("hash-algorithm-ov", "10.7", 241,
		"MD5 SHA-1 SHA-256 SHA-512 SHA3-256 SHA3-512 SSDEEP TLSH")
	open("identity-class-ov", "10.8", 213,
		"individual group system organization class unknown")
	open("implementation-language-ov", "10.9", 226,
		"applescript bash c c++ c# go java javascript lua objective-c perl php powershell python ruby rust scala swift typescript visual-basic x86-32 x86-64")
	open("indicator-type-ov", "10.10", 214,
		"anomalous-activity anonymization benign compromised malicious-activity attribution unknown")
	open("industry-sector-ov", "10.11", 215,
		"agriculture aerospace automotive chemical commercial communications construction defense education energy entertainment financial-services government emergency-services government-local government-national government-public-services government-regional "+
			"healthcare hospitality-leisure infrastructure dams nuclear water insurance legal manufacturing mining non-profit pharmaceuticals "+
			"retail technology telecommunications transportation utilities")
	open("infrastructure-type-ov", "10.12", 227,
		"amplification anonymization botnet command-and-control control-system exfiltration firewall hosting-malware hosting-target-lists "+
			"phishing reconnaissance routers-switches staging workstation unknown")
	open("malware-capabilities-ov", "10.13", 228,
		"accesses-remote-machines anti-debugging anti-disassembly anti-emulation anti-memory-forensics anti-sandbox anti-vm captures-input-peripherals captures-output-peripherals captures-system-state-data cleans-traces-of-infection commits-fraud communicates-with-c2 "+
			"compromises-data-availability compromises-data-integrity compromises-system-availability controls-local-machine degrades-security-software degrades-system-updates determines-c2-server emails-spam escalates-privileges evades-av exfiltrates-data fingerprints-host hides-artifacts hides-executing-code infects-files infects-remote-machines installs-other-components persists-after-system-reboot prevents-artifact-access prevents-artifact-deletion probes-network-environment self-modifies steals-authentication-credentials violates-system-operational-integrity")
	open("malware-result-ov", "10.14", 231,
		"malicious suspicious benign unknown")
	open("malware-type-ov", "10.15", 216,
		"adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger ransomware remote-access-trojan resource-exploitation "+
			"rogue-security-software rootkit screen-capture spyware trojan unknown virus webshell wiper worm")
	open("pattern-type-ov", "10.19", 245,
		"stix pcre sigma snort suricata yara")
	open("processor-architecture-ov", "10.20", 230,
		"alpha arm ia-64 mips powerpc sparc x86 x86-64")
	open("region-ov", "10.21", 223,
		"africa eastern-africa middle-africa northern-africa southern-africa western-africa americas caribbean central-america latin-america-caribbean northern-america south-america asia central-asia eastern-asia southern-asia south-eastern-asia western-asia "+
			"europe eastern-europe northern-europe southern-europe western-europe oceania antarctica australia-new-zealand melanesia micronesia "+
			"polynesia")
	open("report-type-ov", "10.22", 218,
		"attack-pattern campaign identity incident indicator intrusion-set malware observed-data threat-actor threat-report tool "+
			"vulnerability")
	open("threat-actor-type-ov", "10.23", 219,
		"activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled nation-state private-sector "+
			"sensationalist spy terrorist unknown")
	open("threat-actor-role-ov", "10.24", 220,
		"agent director independent infrastructure-architect infrastructure-operator malware-author sponsor")
	open("threat-actor-sophistication-ov", "10.25", 221,
		"none minimal intermediate advanced expert innovator strategic")
	open("tool-type-ov", "10.26", 222,
		"denial-of-service exploitation information-gathering network-capture credential-exploitation remote-access vulnerability-scanning "+
			"unknown")
	open("windows-pebinary-type-ov", "10.28", 243,
		"dll exe sys")
	closed("encryption-algorithm-enum", "10.4",
		"AES-256-GCM ChaCha20-Poly1305 mime-type-indicated")
	closed("extension-type-enum", "10.5",
		"new-sdo new-sco new-sro property-extension toplevel-property-extension")
	closed("network-socket-address-family-enum", "10.16",
		"AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH")
	closed("network-socket-type-enum", "10.17",
		"SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET")
	closed("opinion-enum", "10.18",
		"strongly-disagree disagree neutral agree strongly-agree")
	closed("windows-integrity-level-enum", "10.27",
		"low medium high system")
	closed("windows-registry-datatype-enum", "10.29",
		"REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK REG_MULTI_SZ "+
			"REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD REG_INVALID_TYPE")
	closed("windows-service-start-type-enum", "10.30",
		"SERVICE_AUTO_START SERVICE_BOOT_START SERVICE_DEMAND_START SERVICE_DISABLED SERVICE_SYSTEM_ALERT")
	closed("windows-service-type-enum", "10.31",
		"SERVICE_KERNEL_DRIVER SERVICE_FILE_SYSTEM_DRIVER SERVICE_WIN32_OWN_PROCESS SERVICE_WIN32_SHARE_PROCESS")
	closed("windows-service-status-enum", "10.32",
		"SERVICE_CONTINUE_PENDING SERVICE_PAUSE_PENDING SERVICE_PAUSED SERVICE_RUNNING SERVICE_START_PENDING SERVICE_STOP_PENDING "+
			"SERVICE_STOPPED")
	return out
}
