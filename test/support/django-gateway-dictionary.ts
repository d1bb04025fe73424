const words = (text: string) => text.trim().split(/\s+/)

/** What scanners ask every address of the Internet for: none of it is a path of the example's project. */
const plain = words(`
  /wp-login.php /wp-admin /wp-admin/ /wp-admin/install.php /wp-admin/setup-config.php /wp-admin/admin-ajax.php
  /wp-admin/css/colors/blue/file.php /wp-content/plugins/hellopress/wp_filemanager.php /wp-content/debug.log
  /wp-content/uploads/ /wp-includes/wlwmanifest.xml /wp-json/wp/v2/users /wp-json /wp-cron.php /wp-config.php
  /wp-config.php.bak /wp-config.php~ /wp-config.txt /wp/wp-login.php /blog/wp-login.php
  /wordpress/wp-login.php /wordpress/ /xmlrpc.php /blog/xmlrpc.php /wp1/wp-includes/wlwmanifest.xml
  /site/wp-includes/wlwmanifest.xml /wp-content/themes/twentytwenty/style.css.php /wp-trackback.php
  /readme.html /license.txt /.env /.env.bak /.env.local /.env.production /.env.development /.env.example
  /.env.old /.env.save /.env~ /.env.1 /api/.env /app/.env /backend/.env /config/.env /laravel/.env
  /public/.env /src/.env /web/.env /admin/.env /static/.env /orders/.env /.aws/credentials /.aws/config
  /.ssh/id_rsa /.ssh/authorized_keys /.docker/config.json /.dockerenv /.npmrc /.pypirc /.netrc /.bash_history
  /.bashrc /.profile /.htpasswd /.htaccess /.DS_Store /.idea/ /.vscode/settings.json /.vscode/sftp.json
  /.config/gcloud/credentials.db /.kube/config /.terraform/ /.travis.yml /.git /.git/ /.git/config /.git/HEAD
  /.git/index /.git/logs/HEAD /.git/refs/heads/master /.gitignore /.gitlab-ci.yml /.github/workflows/
  /.svn/entries /.svn/wc.db /.hg/store /.hg/requires /.bzr/README /CVS/Root /app/.git/config
  /static/.git/config /.well-known/openid-configuration.bak /.well-known/../.env /phpmyadmin /phpmyadmin/
  /phpmyadmin/index.php /phpMyAdmin/index.php /pma/ /PMA/index.php /myadmin/ /mysql/ /mysqladmin/ /dbadmin/
  /db/phpmyadmin/ /admin/phpmyadmin/ /sqlmanager/ /adminer.php /adminer-4.8.1.php /adminer/ /phpinfo.php
  /info.php /test.php /i.php /php.php /pinfo.php /index.php /shell.php /cmd.php /c99.php /r57.php /up.php
  /upload.php /alfa.php /wso.php /x.php /1.php /a.php /about.php /admin.php /login.php /config.php /db.php
  /setup.php /install.php /install/ /installer.php /eval-stdin.php /ajax.php /api.php /user.php /orders.php
  /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /vendor/phpunit/phpunit/phpunit.xml /vendor/.env
  /lib/phpunit/Util/PHP/eval-stdin.php /laravel/vendor/phpunit/src/Util/PHP/eval-stdin.php
  /vendor/composer/installed.json /admin/config.php /admin/login.php /admin/index.php /admin/admin.php
  /admin/upload.php /admin/controller/ /admin/fckeditor/editor/ /admin/cms/ /admin/login.asp
  /admin/account.html /admin/.git/config /administrator/ /administrator/index.php /admin-console/
  /admin_panel/ /adminpanel/ /cpanel /cpanel/ /webadmin/ /manager/html /manager/status /host-manager/html
  /console /console/ /jmx-console/ /web-console/ /invoker/JMXInvokerServlet /cgi-bin/ /cgi-bin/test.cgi
  /cgi-bin/luci /cgi-bin/status /cgi-bin/php /cgi-bin/printenv /cgi-bin/bash /cgi-bin/jarrewrite.sh
  /cgi-bin/supervisor/CloudSetup.cgi /cgi-bin/nas_sharing.cgi /cgi-bin/kerbynet
  /cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh /cgi-bin/%%32%65%%32%65/%%32%65%%32%65/bin/sh /cgi-bin/config.exp
  /actuator /actuator/ /actuator/health /actuator/env /actuator/heapdump /actuator/gateway/routes
  /actuator/mappings /actuator/info /actuator/beans /manage/health /management/env /env /heapdump /jolokia
  /jolokia/list /trace /metrics /health /status /server-status /server-info /nginx_status
  /debug/pprof/ /debug/vars /debug/default/view /_profiler/phpinfo /_ignition/execute-solution
  /telescope/requests /horizon/ /__debug__/ /__pycache__/ /_next/data /swagger.json /swagger/index.html
  /swagger-ui.html /swagger-ui/ /openapi.json /api-docs /v2/api-docs /v3/api-docs /graphql /graphiql
  /api/graphql /api /api/ /api/v1 /api/v1/users /api/v1/pods /api/users /api/login /api/config
  /api/jsonws/invoke /api/sonicos/auth /api/v2/cmdb/system/admin /rest/api/2/serverInfo
  /rest/applinks/1.0/manifest /backup /backup/ /backup.zip /backup.sql /backup.tar.gz /backups/ /db.sql
  /dump.sql /database.sql /mysql.sql /site.zip /www.zip /website.tar.gz /html.tar /web.rar /old/ /bak/ /1.zip
  /localhost.zip /data.sql /users.csv /config.json /config.yml /config.yaml /config.js /configuration.php.bak
  /web.config /appsettings.json /app.config /settings.py /manage.py /requirements.txt /package.json
  /package-lock.json /composer.json /composer.lock /yarn.lock /Gemfile /Dockerfile /docker-compose.yml
  /Makefile /Procfile /serverless.yml /credentials.json /secrets.json /id_rsa /server.key /privatekey.pem
  /firebase.json /db.sqlite3 /database.sqlite /local_settings.py /wsgi.py /login.action /login.jsp /login.do
  /login.html /login.aspx /user/login /users/sign_in /auth/login /account/login /signin /Login.htm /userlogin/
  /portal/ /owa/ /owa/auth/logon.aspx /ecp/Current/exporttool /autodiscover/autodiscover.xml /remote/login
  /remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession /dana-na/auth/url_default/welcome.cgi
  /vpn/index.html /logon/LogonPoint/index.html /global-protect/login.esp /ssl-vpn/hipreport.esp
  /+CSCOE+/logon.html /sslvpnLogin.html /my.policy /tmui/login.jsp /mgmt/tm/util/bash /solr/
  /solr/admin/info/system /struts/webconsole.html /index.action /hudson /jenkins/login /jenkins/script /script
  /nacos/v1/auth/users /druid/index.html /geoserver/web/ /zabbix/ /nagios/ /grafana/login /kibana/ /_search
  /_cat/indices /_all_dbs /_utils/ /consul/v1/agent /v1/agent/self /boaform/admin/formLogin
  /GponForm/diag_Form?images/ /HNAP1/ /HNAP1 /setup.cgi?todo=syscmd /shell?cd+/tmp;rm+-rf+*
  /goform/set_LimitClient_cfg /device.rsp?opt=sys /cgi/conf.bin /level/15/exec/-/sh/run/CR
  /ctrlt/DeviceUpgrade_1 /SDK/webLanguage /picsdesc.xml /UD/act?1 /soap.cgi?service=WANIPConn1 /tmUnblock.cgi
  /hudson/script /stalker_portal/c/ /ReportServer /aspnet_client/ /trace.axd /elmah.axd
  /Telerik.Web.UI.WebResource.axd /webdav/ /exchange/ /certsrv/ /skin/admin/ /magento_version /downloader/
  /sites/default/files/ /user/register /node/1 /CHANGELOG.txt /core/install.php /components/com_b2jcontact/
  /joomla/ /typo3/ /umbraco/ /sitecore/login /bitrix/admin/ /ckfinder/ckfinder.html
  /fckeditor/editor/filemanager/ /kcfinder/browse.php /uploads/ /upload/ /files/ /images/ /tmp/ /temp/ /cache/
  /log/ /logs/ /error_log /access.log /debug.log /test /test/ /testing/ /dev/ /demo/ /staging/ /beta/ /shop/
  /store/ /cart/ /users/ /accounts/ /accounts/login/ /orders/1.json /orders/one/ /orders/-1/ /orders/1/edit/
  /about/us/ /about.html
`)

/** Ways to mean another path, or one that is not there. */
const disguised = words(`
  /../.env /../../../../etc/passwd /static/../.env /static/../../../../etc/passwd /static/..%2f..%2fetc/passwd
  /static/%2e%2e/%2e%2e/etc/passwd /static/.%2e/.%2e/etc/passwd /static/..%5c..%5cwindows/win.ini
  /static//etc/passwd /static/..\\..\\windows/win.ini /static/%252e%252e/etc/passwd
  /static/%c0%ae%c0%ae/etc/passwd /static/..;/manage.py /static/shop/../../manage.py /static/%00
  /static/shop/shop.css%00.php /static/x.php /static/.git/HEAD /static/shop/.htaccess //wp-login.php //.env
  ///etc/passwd //orders/ //admin/ /./about/ /about/../.env /about/./ /about/%2e%2e/.env /orders/..%2f.env
  /orders/1%00/ /orders/0x1/ /orders/1;ls/ /orders/1'or'1'='1/ /orders/%31%20or%201=1/
  /%2e%2e/%2e%2e/etc/passwd /%2e/about/ /%2eenv /%2Egit/config /..%2f..%2fetc%2fpasswd
  /..%252f..%252fetc%252fpasswd /..%c0%af..%c0%afetc/passwd /%c0%ae%c0%ae/ /\\about /about\\ /about/;x=1
  /about;x=1/ /ABOUT/ /Orders/ /aBout /Admin/ /ADMIN/login/ /%61bout%2f.. /about%20/ /about/%20
  /about/%0d%0aSet-Cookie:x=1 /$%7Bjndi:ldap://127.0.0.1/a%7D /%24%7B%28%23a%3D%40org%29%7D/
  /<script>alert(1)</script> /"><img> /{{7*7}} /%7b%7b7*7%7d%7d /about/&&id /|id /;id /about/|cat+/etc/passwd
  /*.php /favicon.ico.php /robots.txt.bak /sitemap.xml.php /robots.txt/.env
  /.well-known/acme-challenge/../../.env /.well-known/acme-challenge/x/y /.well-known/acme-challenge/.env
  /favicon.ico/x
`)

export const paths: readonly string[] = [...new Set([...plain, ...disguised])]
