package misp_test

// smallEvent is an event with something of everything. Its names and addresses are
// those that are kept for documents.
const smallEvent = `{"Event": {
  "id": "7", "orgc_id": "1", "org_id": "1", "date": "2024-05-02", "threat_level_id": "2", "info": "A small event, with ünïcode",
  "published": false, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c01", "attribute_count": "9", "analysis": "1", "timestamp": "1714680000",
  "distribution": "1", "proposal_email_lock": false, "locked": false, "publish_timestamp": "0", "sharing_group_id": "0",
  "extends_uuid": "", "x_unknown": {"kept": [1, 2.50, null]},
  "Org": {"id": "1", "name": "NORTH", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c02"},
  "Orgc": {"id": "1", "name": "NORTH", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c02", "local": true},
  "Attribute": [
    {"id": "1", "type": "ip-dst", "category": "Network activity", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03",
     "event_id": "7", "distribution": "5", "timestamp": "1714680001", "comment": "control server", "sharing_group_id": "0", "deleted": false,
     "disable_correlation": false, "object_id": "0", "object_relation": null, "first_seen": "2024-05-01T10:00:00.123456+00:00", "last_seen": null,
     "value": "192.0.2.17", "Galaxy": [], "ShadowAttribute": [
       {"id": "2", "old_id": "1", "type": "ip-dst", "category": "Network activity", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c04",
        "value": "192.0.2.18", "comment": "", "deleted": false, "proposal_to_delete": false, "timestamp": "1714680002",
        "Org": {"id": "2", "name": "SOUTH", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c05"}}],
     "Tag": [{"id": "3", "name": "tlp:amber+strict", "colour": "#ffc000", "exportable": true}, {"name": "PAP:AMBER"}],
     "Sighting": [
       {"id": "1", "attribute_id": "1", "event_id": "7", "org_id": "2", "date_sighting": "1714690000", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c06",
        "source": "proxy", "type": "0", "Organisation": {"id": "2", "name": "SOUTH", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c05"}},
       {"date_sighting": "1714690001", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c07", "type": "1"},
       {"date_sighting": "1724690001", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c08", "type": "2"}]},
    {"type": "comment", "category": "Other", "to_ids": false, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c09", "timestamp": "1714680003",
     "comment": "", "value": "line one\nline \"two\" \\ 'three'", "deleted": true},
    {"type": "attachment", "category": "External analysis", "to_ids": false, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c10", "timestamp": "1714680004",
     "comment": "", "value": "note.txt", "data": "aGVsbG8="},
    {"type": "vulnerability", "category": "External analysis", "to_ids": false, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c11", "timestamp": "1714680005",
     "comment": "", "value": "CVE-2024-0001"}
  ],
  "ShadowAttribute": [],
  "Object": [
    {"id": "1", "name": "file", "meta-category": "file", "description": "File object", "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215",
     "template_version": "24", "event_id": "7", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c12", "timestamp": "1714680006", "distribution": "5",
     "comment": "dropper", "deleted": false, "first_seen": null, "last_seen": null,
     "ObjectReference": [
       {"id": "1", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c13", "timestamp": "1714680007", "object_id": "1", "referenced_id": "1",
        "referenced_type": "0", "relationship_type": "connects-to", "comment": "", "deleted": false,
        "referenced_uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03"}],
     "Attribute": [
       {"type": "filename", "category": "Payload delivery", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c14", "timestamp": "1714680008",
        "comment": "", "object_relation": "filename", "value": "it's.exe"},
       {"type": "malware-sample", "category": "Payload delivery", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c15", "timestamp": "1714680009",
        "comment": "", "object_relation": "malware-sample", "value": "it's.exe|d41d8cd98f00b204e9800998ecf8427e", "data": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
       {"type": "sha256", "category": "Payload delivery", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c16", "timestamp": "1714680010",
        "comment": "", "object_relation": "sha256", "value": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
       {"type": "domain", "category": "Network activity", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c17", "timestamp": "1714680011",
        "comment": "", "object_relation": "x-extra", "value": "c2.example.org"}]},
    {"name": "nobody-knows", "meta-category": "misc", "description": "?", "template_uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c18",
     "template_version": "1", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c19", "timestamp": "1714680012", "comment": "",
     "Attribute": [{"type": "url", "category": "Network activity", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c20",
        "timestamp": "1714680013", "comment": "", "object_relation": "u", "value": "http://c2.example.org/gate"}]}
  ],
  "EventReport": [
    {"id": "1", "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c21", "event_id": "7", "name": "What we saw",
     "content": "It speaks to @[attribute](0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03).", "distribution": "5", "sharing_group_id": "0",
     "timestamp": "1714680014", "deleted": false}],
  "Galaxy": [
    {"id": "1", "uuid": "c4e851fa-775f-11e7-8163-b774922098cd", "name": "Attack Pattern", "type": "mitre-attack-pattern", "description": "ATT&CK Tactic",
     "version": "9", "GalaxyCluster": [
       {"id": "1", "uuid": "799ace7f-e227-4411-baa0-8868704f2a69", "type": "mitre-attack-pattern", "value": "Indicator Removal - T1070",
        "tag_name": "misp-galaxy:mitre-attack-pattern=\"Indicator Removal - T1070\"", "description": "Removal of traces.", "source": "MITRE",
        "authors": ["MITRE"], "version": "12", "meta": {"external_id": ["T1070"], "kill_chain": ["mitre-attack:defense-evasion"],
        "refs": ["https://attack.mitre.org/techniques/T1070"]}}]}],
  "Tag": [{"id": "1", "name": "tlp:green", "colour": "#339900", "exportable": true, "local": 0},
          {"name": "misp:confidence-level=\"fairly-confident\""}, {"name": "inner", "exportable": false}]
}}`

// smallBundle is STIX of another make.
const smallBundle = `{"type": "bundle", "id": "bundle--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f01", "objects": [
 {"type": "identity", "spec_version": "2.1", "id": "identity--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f02", "created": "2024-01-01T00:00:00.000Z",
  "modified": "2024-01-01T00:00:00.000Z", "name": "South", "identity_class": "organization"},
 {"type": "report", "spec_version": "2.1", "id": "report--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f03", "created": "2024-02-01T00:00:00.000Z",
  "modified": "2024-02-02T00:00:00.123456Z", "created_by_ref": "identity--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f02", "name": "Of another make",
  "description": "What others saw.", "published": "2024-02-03T00:00:00Z", "object_refs": ["indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f04"],
  "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"], "x_custom": "kept"},
 {"type": "indicator", "spec_version": "2.1", "id": "indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f04", "created": "2024-02-01T00:00:00.000Z",
  "modified": "2024-02-02T00:00:00.000Z", "pattern": "[domain-name:value = 'bad.example.org' OR ipv4-addr:value = '198.51.100.7']", "pattern_type": "stix",
  "valid_from": "2024-02-01T00:00:00Z", "labels": ["seen"]},
 {"type": "indicator", "spec_version": "2.1", "id": "indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f05", "created": "2024-02-01T00:00:00.000Z",
  "modified": "2024-02-02T00:00:00.000Z", "pattern": "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'] FOLLOWEDBY [process:pid = 4]", "pattern_type": "stix",
  "valid_from": "2024-02-01T00:00:00Z"},
 {"type": "malware", "spec_version": "2.1", "id": "malware--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f06", "created": "2024-02-01T00:00:00.000Z",
  "modified": "2024-02-02T00:00:00.000Z", "name": "Dropper", "is_family": true, "external_references": [{"source_name": "mitre-attack", "external_id": "S0001"}]},
 {"type": "relationship", "spec_version": "2.1", "id": "relationship--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f07", "created": "2024-02-01T00:00:00.000Z",
  "modified": "2024-02-02T00:00:00.000Z", "relationship_type": "indicates", "source_ref": "indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f05",
  "target_ref": "malware--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f06"},
 {"type": "sighting", "spec_version": "2.1", "id": "sighting--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f08", "created": "2024-02-05T00:00:00.000Z",
  "modified": "2024-02-05T00:00:00.000Z", "sighting_of_ref": "indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f05", "last_seen": "2024-02-05T00:00:00Z",
  "where_sighted_refs": ["identity--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f02"]},
 {"type": "file", "spec_version": "2.1", "id": "file--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f09", "name": "a.bin", "size": 12, "hashes": {"SHA-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
 {"type": "marking-definition", "spec_version": "2.1", "id": "marking-definition--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f10", "created": "2024-01-01T00:00:00.000Z",
  "definition_type": "PAP", "name": "PAP:RED", "definition": {"PAP": "RED"}},
 {"type": "note", "spec_version": "2.1", "id": "note--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f11", "created": "2024-02-01T00:00:00.000Z",
  "modified": "2024-02-02T00:00:00.000Z", "content": "Look twice.", "object_refs": ["malware--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f06"]}
]}`
