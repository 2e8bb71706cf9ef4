#!/usr/bin/env bash
# Compiles and tests the example with Debian's Java libraries, without Maven Central: its Spring 4.3 has the same API
# for all that is used here. Spring Boot's and Spring Session's two classes are left out. Takes a folder to work in, and
# "serve" or "serve-answerer" to serve it or ../answerer/spring (LocalServer.java) instead. Ends with 75 if the libraries can't be had.
set -euo pipefail
cd "$(dirname "$0")"
work=$(realpath -m "$1")
action=${2:-test}
packages=(libspring-{core,beans,context,expression,aop,web,web-servlet,jdbc,transaction,test}-java libh2-java
  libjackson2-{core,databind,annotations}-java libservlet-api-java libcommons-logging-java
  junit5 libopentest4j-java libapiguardian-java)
jars=(spring3-{core,beans,context,expression,aop,web,web.servlet,jdbc,transaction,test} h2
  jackson-{core,databind,annotations} servlet-api commons-logging
  junit-jupiter-api junit-platform-console-standalone opentest4j apiguardian-api)

download() { (cd "$work/packages" && apt-get -qq download "${packages[@]}"); }

update() { if ((EUID)); then sudo -n apt-get -qq update; else apt-get -qq update; fi; }

install_libraries() {
  rm -rf "$work" && mkdir -p "$work/packages"
  download || { update && download; } || { echo "Debian's Java libraries can't be downloaded." >&2; exit 75; }
  for package in "$work"/packages/*.deb; do dpkg -x "$package" "$work/libraries"; done
  touch "$work/complete"
}

mkdir -p "$(dirname "$work")"
exec {lock}>"$work.lock" && flock "$lock"
[[ -e $work/complete && $work/complete -nt test.sh ]] || install_libraries
classes=$work/classes-$action
classpath=$(printf "$work/libraries/usr/share/java/%s.jar:" "${jars[@]}")
# The answerer's controller is of the same app.
mapfile -t sources < <(find src ../answerer/spring -name '*.java' ! -name Application.java ! -name RedisSessions.java)
rm -rf "$classes"
javac -parameters -nowarn -d "$classes" -classpath "$classpath" "${sources[@]}"
exec {lock}>&-
run() { exec java -classpath "$classes:$classpath" "$@"; }
case $action in
  serve | serve-answerer) run com.example.kakao.LocalServer ;;
  test) run org.junit.platform.console.ConsoleLauncher --scan-classpath "$classes" --include-engine junit-jupiter \
    --details tree --disable-banner --disable-ansi-colors 2>&1 ;;
esac
