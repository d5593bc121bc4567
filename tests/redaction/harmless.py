# ruff: noqa: E501 - a case is easier to read on one line
"""Texts that look like secrets and are none; the redaction must leave every one of them as it is."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid

TEXTS = [
    # digests and ids
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8\nAuthor: A <a@example.com>",
    "git checkout 3f2a9c1 && git cherry-pick 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty.txt",
    "md5sum file.iso: d41d8cd98f00b204e9800998ecf8427e",
    'sha256 "8a1f3c0de9b2a47f6c5d8e7b9a0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c"',
    "docker pull nginx@sha256:4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac",
    '"integrity": "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="',
    '<script src="x.js" integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"></script>',
    'ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "The key fingerprint is: SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8 laptop",
    '{"id": "550e8400-e29b-41d4-a716-446655440000", "request_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}',
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    'cache_key = "d41d8cd98f00b204e9800998ecf8427e"',
    "cache-key: node-modules-4c0fdaa8b6341bfdeca5f18f7837462c",
    'PRIMARY_KEY = "7b52009b64fd0a2a49e6d8a939753077792b0554"',
    "pod/web-6d4cf56db6-x7k2p 1/1 Running",
    "npm WARN deprecated core-js@2.6.12: core-js@<3.23.3 is no longer maintained",
    '{"toolCallId": "call_9T2XjQmR4vLk8sWnB3cYfHd7", "name": "search"}',
    "chatcmpl-9aXk2mQvB7tLw5RnYc8HsDfGJ4TeU",
    "arn:aws:s3:::acme-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/02/07/",
    "s3://bucket/path/part-00000-6ba7b810-9dad-11d1-80b4-00c04fd430c8-c000.snappy.parquet",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    # keys and certificates that are public
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl laptop",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\n-----END PUBLIC KEY-----",
    'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    return load(text)',
    "client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURkekNDQWwrZ0F3SUJBZ0lFQWdBQXVUQU5CZ2txaGtpRzl3",
    'public_key = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf"',
    # references and stand-ins
    "export API_TOKEN=$TOKEN\nexport DB_PASSWORD=${DB_PASSWORD}\nexport SECRET=$(cat /run/secrets/app)",
    'password = os.environ["DB_PASSWORD"]\ntoken = os.getenv("API_TOKEN")\nsecret = settings.SECRET_KEY',
    "const apiKey = process.env.API_KEY;\nconst token = await getToken(user);\nlet password = req.body.password;",
    'api_key = "YOUR_API_KEY"\nsecret = "<your secret>"\ntoken = "xxxxxxxxxxxxxxxx"\npassword = "changeme"',
    "password: ${{ secrets.DEPLOY_PASSWORD }}",
    "Authorization: Bearer YOUR_ACCESS_TOKEN\nAuthorization: Bearer {token}\nAuthorization: Bearer $TOKEN",
    "headers = {'Authorization': f'Bearer {access_token}', 'X-Api-Key': api_key}",
    "curl -u user:password https://api.example.com\ncurl -u $USER:$PASS https://api.example.com",
    "mysql -u root -p mydb < dump.sql\nmysql -u root -p$PASSWORD mydb",
    "postgres://user:password@localhost:5432/mydb\nmongodb://username:<password>@host/db",
    "redis://localhost:6379/0 http://localhost:8080/path@2x.png https://host:8443/a?b=c@d",
    "sshpass -e ssh host\ndocker login --password-stdin\ngpg --passphrase-file /run/pass",
    "openssl passwd -1\nssh-keygen -t rsa -b 4096 -f ~/.ssh/id_rsa -N ''",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx AKIAXXXXXXXXXXXXXXXX",
    'password_hash = generate_password_hash(password)\nif not check_password("abc123"):\n    raise ValueError',
    'token_type = "bearer"\nmax_tokens = 4096\npad_token = "[PAD]"\ntokenizer = "gpt2"\nnext_page_token = "CAoQAA"',
    '<label for="password">Password:</label><input type="password" name="password" placeholder="Enter password">',
    '"password": {"type": "string", "minLength": 8, "description": "The password of the account"}',
    "Password must have at least 8 characters, one digit and one of !@#$%.",
    "The secret is to bake it slowly. The key is under the mat. The token is 3 characters long.",
    "for key in keys:\n    print(key, value)\nkey = arr[j]\nsort_key = lambda x: x[1]",
    "def login(username, password):\n    return username == 'admin' and password == 'admin123'",
    "CREATE USER app WITH PASSWORD 'password';\nALTER USER app IDENTIFIED BY 'changeme';",
    "PASSWORD_RESET_TIMEOUT = 259200\nSESSION_COOKIE_AGE = 1209600\nAUTH_USER_MODEL = 'accounts.User'",
    "secret_number = 42\nsecretSanta = ['Ann', 'Bo']\nkeyboard = 'qwertz'\nmonkey = 'banana42'",
    "session = requests.Session()\ncookie = SimpleCookie()\nauth = HTTPBasicAuth(user, password)",
    "Cookie: lang=en; theme=dark\nSet-Cookie: consent=yes; Path=/",
    "signature = inspect.signature(function)\nsid = session['id']",
    "-H 'Authorization: Basic <base64 of user:password>' means basic authentication",
    "key: ctrl+shift+p\ntoken: IDENTIFIER\nauth: none\nsecret: false",
    "SSL_KEY=/etc/ssl/private/server.key\nSSH_KEY=~/.ssh/id_ed25519\nkeyfile = certs/server.pem",
    "PWD=/srv/app OLDPWD=/srv\necho $PWD",
    "salt = os.urandom(16)\nhashed = bcrypt.hashpw(pw, bcrypt.gensalt())",
    "zip -r -p backup.zip dir\nfind /mnt/zip -print0 | xargs -0 rm\ntar -cpzf backup.tgz dir",
    "docker run -p 8080:80 -u 1000:1000 nginx\nssh -p 2222 host\nmkdir -p build/Release-x64",
    "vault kv get secret/app\nheroku config:set LANG=en\nnpm login --registry=https://registry.npmjs.org",
    # addresses that belong to nobody
    "john@example.com, user@test.example.org, me@localhost, noreply@github.com, your_email@gmail.com",
    "git@github.com:acme/app.git ssh user@host.example.com scp a.txt root@server.local:/srv",
    "@app.route('/') @media (min-width: 1px) icon@2x.png react@18.2.0 getty@tty1.service a@b",
    "127.0.0.1 0.0.0.0 255.255.255.0 192.0.2.17 198.51.100.4 203.0.113.9 8.8.8.8 1.1.1.1 169.254.169.254 224.0.0.1",
    "192.168.1.1 192.168.0.0/16 10.0.0.0/8 172.16.0.0/12 10.0.0.1 192.168.1.255",
    "::1 fe00::0 ff02::1 2001:db8::1 2001:db8:85a3::8a2e:370:7334 std::vector<int>::iterator a::b::c",
    "pip install numpy==1.26.4.1 foo==10.12.13.14\nversion 12.4.10.3 v1.20.300.4 Chrome/15.0.87.121 python-10.12.14.2.tar.gz",
    "12:34:56 2026-02-07T10:01:22 00:1b:44:11:3a:b7 1:2:3:4:5:6:7 dd:ee:ff",
    "4.2.1.1. Set the predecessor\n1.2.3.4 is an address of four parts, 999.12.13.14 is none",
    "/home/user/app /home/ubuntu /Users/username/Documents C:\\Users\\Public /home/$USER /home/*/x ~/work /home/{name}/x",
    "https://example.com/home/about /users/42 GET /home/index.html path: '/home/dashboard'",
    # numbers
    "4111111111111112 1234567890123456 1770329975585826 20260207100122 3.1415926535897932 0.4929262589694831",
    "9780306406157 4006381333931 +49 30 901820 12345678901234567890 6ba7b810-4929-2625-8969-483100000000",
    # code
    "const re = /^[\\w.+-]+@[\\w-]+\\.[\\w.]+$/; s.replace(/\\//g, '\\\\/');",
    "x = a[1::2]; y = b[::3]; z = c[2000::2]; T.class::method; ns::Type::f()",
    "sed -e 's/password=.*/password=***/' -e 's/\\(token\\): .*/\\1: REDACTED/' app.conf",
    "grep -rn 'api_key' src | awk -F: '{print $1\":\"$2}'\ngrep -E 'secret|token' *.py",
    "assert parse('key=value; other=1') == {'key': 'value', 'other': '1'}",
    'print("Password:", "".join(random.choice(string.ascii_letters + string.digits) for _ in range(12)))',
    'String token = scanner.nextToken(); int key = map.get("key1"); Key k = new Key("x");',
    "let password = Math.random().toString(36).substring(2, 10);",
    "token = hashlib.sha256(os.urandom(size//2)).hexdigest()[:size]",
    "SELECT password, token FROM users WHERE api_key = :api_key AND secret = @secret;",
    "placeholder <SECRET:github_token:1> and password=<SECRET:password:2> and /home/<SECRET:user:1>/x stay",
]


def generated(count: int, seed: int = 11) -> list[str]:
    """Make lines of code, shell and JSON around random hashes, ids, pictures and checksums."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        data = rng.randbytes(rng.randrange(40, 1500))
        sha1, sha256, md5 = (f(data).hexdigest() for f in (hashlib.sha1, hashlib.sha256, hashlib.md5))
        unique = uuid.UUID(bytes=rng.randbytes(16), version=4)
        picture, numbers = base64.b64encode(data).decode(), rng.randrange(10**9)
        made.append(
            rng.choice(
                [
                    f"git show {sha1} --stat", f"* {sha1[:7]} Fix the parser (#{numbers % 999})",
                    f'{{"id": "{unique}", "parent": "{sha1}", "size": {numbers}}}', f"{sha256}  dist/app-{numbers % 90}.tar.gz",
                    f'<img src="data:image/png;base64,iVBORw0KGgo{picture}">', f'{{"image": "/9j/4AAQSkZJRg{picture}"}}',
                    f"md5 = '{md5}'", f"assert digest == \"{sha256}\"", f"FROM python:3.12@sha256:{sha256}",
                    f'"resolved": "https://registry.npmjs.org/x/-/x-1.{numbers % 90}.0.tgz", "integrity": "sha512-{picture[:86]}=="',
                    f"logo = b64decode('{picture}')", f"curl -O https://files.example.com/{unique}/{md5}.bin",
                    f"INSERT INTO events VALUES ('{unique}', {numbers}, '{md5}');", f"trace_id={md5} span_id={md5[:16]} status=200",
                    f"rm -rf /var/cache/{sha256[:32]}/{unique}", f"commit = '{sha1}'  # {numbers}",
                ]
            )
        )  # fmt: skip
    return made
