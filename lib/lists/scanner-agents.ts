/**
 * The default patterns of {@link badAgent}: scanners and attack tools, by the names they send; a comment says what each does.
 * Kept by hand: none of them is a browser, a search engine, a link preview, an uptime monitor or a plain HTTP library.
 * Add your own with `patterns: [...scannerAgents, 'mine']`.
 */
export const scannerAgents: readonly string[] = /* @__PURE__ */ Object.freeze([
  // -- Internet-wide scanners
  'masscan', // scans the whole Internet for open ports
  'zgrab', // collects banners for Internet-wide scans
  'Nmap Scripting Engine', // nmap's scripts: service and vulnerability detection
  'CensysInspect', // indexes exposed services of the whole Internet
  'InternetMeasurement', // scans the whole Internet for services
  'scaninfo@paloaltonetworks.com', // Expanse, attack surface of the whole Internet
  'scaninfo@expanseinc.com', // Expanse, by its former address
  'docs-cortex.paloaltonetworks.com', // Cortex Xpanse, attack surface of the whole Internet
  'getodin.com', // Odin, indexes exposed services
  'NetSystemsResearch', // scans the whole Internet for services
  'leakix.net', // indexes leaking services
  'l9scan', // LeakIX's scanner
  'l9explore', // LeakIX's probe for exposed files
  'l9tcpid', // LeakIX's service probe
  'pdrlabs.net', // maps clouds by scanning them
  'visionheight.com/scan', // scans the whole Internet for services
  'cypex.ai/scanning', // scans the whole Internet for services
  'air.ai/scanning', // scans the whole Internet for services
  'ModatScanner', // Modat, indexes exposed services of the whole Internet
  'PunkMap', // OpenEASM's scanner of ports and services
  'SnoopSecInspect', // scans for exposed services
  'NetScope-DomainScanner', // scans domain by domain
  'Keydrop.io', // looks for leaked keys and files
  'RepoLookoutBot', // looks for exposed .git folders
  'WanscannerBot', // scans the whole Internet for services
  'HTTP Banner Detection', // collects banners for Internet-wide scans
  'Project-Resonance', // RedHunt Labs, scans the whole Internet
  // -- Vulnerability scanners
  'nikto', // tries thousands of known holes
  'nuclei', // runs templates of known vulnerabilities
  'projectdiscovery', // nuclei, httpx and their kin, by the address they give
  'wpscan', // looks for WordPress's holes and users
  'joomscan', // looks for Joomla's holes
  'droopescan', // looks for Drupal's holes
  'OpenVAS', // vulnerability scanner
  'Nessus', // vulnerability scanner
  'Acunetix', // web vulnerability scanner
  'Netsparker', // web vulnerability scanner
  'Arachni', // web vulnerability scanner
  'w3af', // web attack framework
  'w3af.org', // web attack framework, by its address
  'w3af.sourceforge.net', // web attack framework, by its former address
  'skipfish', // web vulnerability scanner
  'Mozilla/5.0 SF/', // skipfish, by the agent it sends
  'Grendel-Scan', // web vulnerability scanner
  'WebInspect', // web vulnerability scanner
  'Jaeles', // runs signatures of known vulnerabilities
  'WhatWeb', // fingerprints servers and frameworks
  'TLM-Audit-Scanner', // vulnerability scanner
  'WPSec', // looks for WordPress's holes
  'FreePBX-Scanner', // looks for FreePBX telephone systems
  // -- Injection
  'sqlmap', // SQL injection
  'sqlninja', // SQL injection
  'Havij', // SQL injection
  'bsqlbf', // blind SQL injection
  'commix', // command injection
  '${jndi:', // Log4Shell: an exploit in place of a name
  'xsser', // cross-site scripting
  // -- Guessing of paths, names and passwords
  'gobuster', // guesses paths and host names
  'dirbuster', // guesses paths
  'dirsearch', // guesses paths
  'feroxbuster', // guesses paths
  'rustbuster', // guesses paths
  'ffuf', // guesses paths and parameters
  'Fuzz Faster U Fool', // ffuf, spelled out
  'wfuzz', // guesses paths and parameters
  'patator', // guesses passwords
  '(Hydra)', // THC Hydra, guesses passwords
  // -- Worms and mass exploitation
  'ZmEu', // looks for phpMyAdmin
  'Jorgee', // looks for phpMyAdmin and databases
  'Morfeus', // looks for PHP holes
  'DataCha0s', // looks for awstats and PHP holes
  'Toata dragostea', // looks for Roundcube and PHP holes
  'BOT for JCE', // looks for holes of a Joomla editor
  'muhstik-scan', // looks for holes for a botnet
  'FHscan Core', // looks for known holes
  'Muieblackcat', // looks for phpMyAdmin
  'libredtail-http', // drops a miner through PHP and Apache holes
  'Custom-AsyncHttpClient', // mass exploitation of PHPUnit and routers
  'Hello, World', // router worms of the Mirai family
])
